// The history of a small shop, as lines for `redraft import jsonl`: the same one each time.

const NAMES = ["Oak table", "Linen chair", "Brass lamp", "Wool rug", "Birch shelf", "Stone vase", "Cedar chest", "Glass bowl"];
const CUSTOMERS = ["Ada", "Grace", "Edsger", "Barbara", "Donald"];
const HOUR_MS = 3_600_000;

/** Numbers that look like chance and are none. */
function chance(seed = 7) {
  return (below) => {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff;
    return (seed >> 8) % below;
  };
}

export function shop(many) {
  const pick = chance();
  const products = Object.fromEntries(NAMES.map((name, place) => [`p-${100 + place}`, { name, price: 1900 + pick(40_000), stock: 20 + pick(60) }]));
  const settings = { currency: "EUR", shipping: { carriers: ["DHL", "GLS"], free_from: 5000 } };
  const state = { notes: "The warehouse closes at six.", orders: [], products, settings };
  let at = Date.UTC(2026, 2, 2, 8);
  const lines = [{ label: "open the shop", at, patch: [{ op: "add", path: "", value: structuredClone(state) }] }];
  while (lines.length < many) {
    at += pick(40) === 0 ? pick(30 * HOUR_MS) : pick(HOUR_MS);
    lines.push({ at, ...change(state, pick) });
  }
  return lines.map((line) => JSON.stringify(line)).join("\n");
}

function change({ orders, products }, pick) {
  const id = Object.keys(products)[pick(NAMES.length)];
  const [product, what, older] = [products[id], pick(10), pick(Math.max(1, orders.length))];
  const sets = (key, value) => ({ op: "replace", path: `/products/${id}/${key}`, value: (product[key] = value) });
  if (what < 5 || orders.length === 0) {
    const count = 1 + pick(3);
    const order = { id: `o-${5000 + orders.length}`, customer: CUSTOMERS[pick(5)], lines: [{ count, product: id }], state: "placed" };
    orders.push(order);
    return { label: "place order", patch: [{ op: "add", path: "/orders/-", value: order }, sets("stock", product.stock - count)] };
  }
  if (what < 7) return { label: "take payment", patch: [{ op: "replace", path: `/orders/${older}/state`, value: "paid" }] };
  if (what < 8) return { label: "ship order", patch: [{ op: "replace", path: `/orders/${older}/state`, value: "shipped" }] };
  if (what < 9) return { label: "restock", patch: [sets("stock", product.stock + 12)] };
  return { label: "change price", patch: [sets("price", 1900 + pick(40_000))] };
}
