// The libraries we are measured against, each in the configurations that make a difference: as it comes, and with
// everything switched off that costs time and does not change what comes out. Patches are on everywhere, because a
// change without them is another task.
import * as immer from "immer";
import * as mutative from "mutative";

immer.enablePatches();
immer.enableMapSet();

const immerLibrary = {
  /** The state after `recipe`, its patches and its inverse patches. */
  produce: (state, recipe) => immer.produceWithPatches(state, recipe),
  apply: (state, patches) => immer.applyPatches(state, patches),
};

function immerWith(configure) {
  return () => {
    configure();
    return immerLibrary;
  };
}

function mutativeWith(options) {
  const producing = { ...options, enablePatches: true };
  return () => ({
    produce: (state, recipe) => mutative.create(state, recipe, producing),
    apply: (state, patches) => mutative.apply(state, patches, options),
  });
}

/** By the names the other side calls them by. Settings of Immer are global, so a process uses one of these only. */
export const libraries = {
  immer: immerWith(() => {}),
  "immer-unfrozen": immerWith(() => immer.setAutoFreeze(false)),
  "immer-tuned": immerWith(() => {
    immer.setAutoFreeze(false);
    immer.setUseStrictIteration(false);
    immer.enableArrayMethods();
  }),
  mutative: mutativeWith({}),
  "mutative-frozen": mutativeWith({ enableAutoFreeze: true }),
};
