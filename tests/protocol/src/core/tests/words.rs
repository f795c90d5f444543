//! Paths, and what is said of a breach.

use super::*;

#[test]
fn paths_lead_to_what_is_in_the_schema() {
    let leads = |path: &AttributePath| leads_somewhere(&object().ty(), path.steps());
    let of = AttributePath::of;
    for path in [
        of("name"),
        of("list").index(7).attribute("key"),
        of("map").key("k").attribute("uid"),
        of("rule").index(0),
        of("any").index(3).attribute("x"),
        of("single").attribute("key"),
        AttributePath::default(),
    ] {
        assert!(leads(&path), "{path}");
    }
    for path in [
        of("nome"),
        of("name").attribute("x"),
        of("list").attribute("key"),
        of("list").key("a"),
        of("set").index(0),
        of("rule").index(0).attribute("x"),
    ] {
        assert!(!leads(&path), "{path}");
    }
    let state = value(&state());
    assert_eq!(at(&state, &of("list").index(1).attribute("key")), "b".into());
    assert_eq!(at(&state, &of("any").index(1)), "x".into());
    assert_eq!(at(&state, &of("list").index(2).attribute("key")), Value::Null);
    assert!(at(&unknown(), &of("name").step(Step::Index(0))).is_unknown());
}

#[test]
fn a_breach_names_rule_and_attribute_and_no_value() {
    let planned = value(&with(&plan(), "/name", json!("hush-planned")));
    let found =
        check_plan(&object(), &value(&with(&state(), "/name", json!("hush-prior"))), &value(&config()), &planned);
    let texts: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts.iter().filter(|text| text.contains("name")).collect::<Vec<_>>(),
        ["`name` is planned as neither what is configured nor what it was before"]
    );
    let breach = Breach { rule: Rule::Vanished, path: AttributePath::default() };
    assert_eq!(breach.to_string(), "the object is gone, though it was to be created or changed");
    assert!(!format!("{found:?}{texts:?}").contains("hush"));
}
