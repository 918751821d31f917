//! An error answers what to do now by what it is and what it carries; nobody has to read its text.

use redraft::{Damage, Defect, Error};
use std::path::Path;
use std::sync::Arc;

fn damage() -> Damage {
    Damage { path: "/store/x.seg".into(), byte: 64, defect: Defect::Foreign, intact: Some(3) }
}

/// Damage used to hide from `Error::damage` wherever something was built upon it.
#[test]
fn damage_is_found_wherever_it_is_the_reason() {
    let at = || Path::new("/store").to_owned();
    let plain = Error::from(damage());
    let irreparable = Error::Irreparable { path: at(), why: Box::new(damage()) };
    let poisoned = Error::Poisoned { cause: Arc::new(Error::from(damage())) };
    for error in [plain, irreparable, poisoned] {
        assert_eq!(error.damage(), Some(&damage()), "{error:?}");
    }
    assert_eq!(Error::Exists { path: at() }.damage(), None);
}
