//! What is proposed to a provider.

use super::*;

#[test]
fn a_new_object_is_proposed_as_configured() {
    assert_eq!(proposed(&object(), &Value::Null, &value(&config())), value(&config()));
    assert_eq!(proposed(&object(), &Value::Null, &Value::Null), Value::Null);
    assert_eq!(proposed(&object(), &value(&state()), &Value::Null), value(&state()));
}

#[test]
fn computed_attributes_keep_their_values_wherever_they_are() {
    let expected = with(&state(), "/secret", json!("hush"));
    assert_eq!(proposed(&object(), &value(&state()), &value(&config())), value(&expected));
}

#[test]
fn what_the_configuration_sets_wins() {
    let config = with(&with(&config(), "/mode", json!("set")), "/rule/1", json!({"key": "b", "uid": "mine"}));
    let proposal = proposed(&object(), &value(&state()), &value(&config));
    assert_eq!(proposal.get("mode"), Some(&"set".into()));
    let rules = proposal.get("rule").unwrap().as_elements().unwrap();
    assert_eq!([rules[0].get("uid"), rules[1].get("uid")], [Some(&"computed".into()), Some(&"mine".into())]);
}

#[test]
fn nested_objects_are_matched_by_position_by_name_and_in_sets_by_content() {
    let turned = json!([{"key": "b"}, {"key": "c"}]);
    let renamed = json!({"y": {"key": "b"}, "z": {"key": "a"}});
    let mut config = config();
    for name in ["list", "set", "rule", "pool"] {
        config = with(&config, &format!("/{name}"), turned.clone());
    }
    for name in ["map", "entry"] {
        config = with(&config, &format!("/{name}"), renamed.clone());
    }
    let proposal = proposed(&object(), &value(&state()), &value(&config));
    let uids = |name: &str| {
        let value = proposal.get(name).unwrap();
        let items: Vec<Value> = match value {
            Value::Map(entries) => entries.values().cloned().collect(),
            value => value.as_elements().unwrap().to_vec(),
        };
        let uid = |item: Value| (item.get("key").unwrap().clone(), item.get("uid").unwrap().clone());
        items.into_iter().map(uid).collect::<BTreeMap<Value, Value>>()
    };
    let expected = |entries: [(&str, Value); 2]| entries.map(|(key, uid)| (Value::from(key), uid)).into();
    for name in ["list", "rule"] {
        assert_eq!(uids(name), expected([("b", "computed".into()), ("c", "computed".into())]), "{name}");
    }
    for name in ["set", "pool"] {
        assert_eq!(uids(name), expected([("b", "computed".into()), ("c", Value::Null)]), "{name}");
    }
    for name in ["map", "entry"] {
        assert_eq!(uids(name), expected([("b", "computed".into()), ("a", Value::Null)]), "{name}");
    }
}

#[test]
fn what_was_configured_and_is_taken_out_is_not_kept() {
    // Each object of `list` has a `key`, which only a configuration sets.
    let proposal = proposed(&object(), &value(&state()), &value(&with(&config(), "/list", Json::Null)));
    assert_eq!(proposal.get("list"), Some(&Value::Null));
    // Of `mode` nobody can tell.
    assert_eq!(proposal.get("mode"), Some(&"default".into()));
}

#[test]
fn what_is_unknown_is_proposed_as_unknown() {
    let mut config = config();
    for name in ["name", "one", "list", "map", "set", "rule", "pool", "single"] {
        config = with(&config, &format!("/{name}"), json!(UNKNOWN));
    }
    let proposal = proposed(&object(), &value(&state()), &value(&config));
    for name in ["name", "one", "list", "map", "set", "rule", "pool", "single"] {
        assert!(proposal.get(name).unwrap().is_unknown(), "{name}");
    }
}
