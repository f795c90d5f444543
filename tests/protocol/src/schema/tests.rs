use serde_json::json;
use tfplugin::Type;

use super::*;
use crate::UNKNOWN;
use crate::wire::tfplugin6::schema::{self as pb_schema, nested_block, object as pb_object};

fn attribute(name: &str, ty: &str) -> pb_schema::Attribute {
    let r#type = ty.as_bytes().to_vec();
    pb_schema::Attribute { name: name.to_owned(), r#type, optional: true, ..Default::default() }
}

fn nested(name: &str, nesting: pb_object::NestingMode, attributes: &[pb_schema::Attribute]) -> pb_schema::Attribute {
    let nested_type =
        pb_schema::Object { attributes: attributes.to_vec(), nesting: nesting.into(), ..Default::default() };
    pb_schema::Attribute { nested_type: Some(nested_type), ..attribute(name, "") }
}

fn block(
    name: &str,
    nesting: nested_block::NestingMode,
    attributes: &[pb_schema::Attribute],
) -> pb_schema::NestedBlock {
    let block = pb_schema::Block { attributes: attributes.to_vec(), ..Default::default() };
    let type_name = name.to_owned();
    pb_schema::NestedBlock { type_name, block: Some(block), nesting: nesting.into(), min_items: 0, max_items: 0 }
}

fn schema(attributes: &[pb_schema::Attribute], blocks: &[pb_schema::NestedBlock]) -> pb::Schema {
    let block =
        pb_schema::Block { attributes: attributes.to_vec(), block_types: blocks.to_vec(), ..Default::default() };
    pb::Schema { version: 3, block: Some(block) }
}

fn full() -> Schema {
    let text = attribute("text", "\"string\"");
    let deep = block("deep", nested_block::NestingMode::Set, std::slice::from_ref(&text));
    let mut list = block("list", nested_block::NestingMode::List, &[]);
    list.block = Some(pb_schema::Block { block_types: vec![deep], ..Default::default() });
    let wire = schema(
        &[
            attribute("any", "\"dynamic\""),
            attribute("numbers", "[\"map\",\"number\"]"),
            nested("steps", pb_object::NestingMode::List, std::slice::from_ref(&text)),
            nested("one", pb_object::NestingMode::Single, std::slice::from_ref(&text)),
        ],
        &[
            list,
            block("single", nested_block::NestingMode::Single, std::slice::from_ref(&text)),
            block("group", nested_block::NestingMode::Group, std::slice::from_ref(&text)),
            block("map", nested_block::NestingMode::Map, &[text]),
        ],
    );
    Schema::read("x", &wire).unwrap()
}

#[test]
fn the_type_has_attributes_nested_ones_and_blocks() {
    let text = || Type::object([("text", Type::String)]);
    let ty = Type::object([
        ("any", Type::Dynamic),
        ("numbers", Type::map(Type::Number)),
        ("steps", Type::list(text())),
        ("one", text()),
        ("list", Type::list(Type::object([("deep", Type::set(text()))]))),
        ("single", text()),
        ("group", text()),
        ("map", Type::map(text())),
    ]);
    assert_eq!((full().ty(), full().version), (&ty, 3));
}

#[test]
fn blocks_that_are_not_there_are_empty() {
    let value = full().object(json!({"list": [{}], "steps": UNKNOWN}));
    let part = |name: &str| value.get(name).unwrap().clone();
    let inner = part("list").as_elements().unwrap()[0].get("deep").cloned();
    assert_eq!(inner, Some(Value::Set([].into_iter().collect())));
    assert_eq!(part("map"), Value::Map(BTreeMap::new()));
    assert_eq!(part("group").get("text"), Some(&Value::Null));
    assert!(part("single").is_null() && part("one").is_null() && part("steps").is_unknown());
    assert_eq!(full().decode(Some(&full().encode(&value))).unwrap(), value);
    assert_eq!(full().decode(None).unwrap(), Value::Null);
}

#[test]
#[should_panic(expected = "x: steps[1].txt: is not in the schema")]
fn what_does_not_fit_is_named() {
    full().object(json!({"steps": [{}, {"txt": "secret"}]}));
}

#[test]
fn each_mistake_for_which_terraform_refuses_a_provider_is_named() {
    use nested_block::NestingMode as In;
    use pb_object::NestingMode as Within;
    let text = attribute("a", "\"string\"");
    let open = attribute("a", "\"dynamic\"");
    let secret = pb_schema::Attribute { write_only: true, ..text.clone() };
    let of = |attribute: &pb_schema::Attribute| schema(std::slice::from_ref(attribute), &[]);
    let within = |block: pb_schema::NestedBlock| schema(&[], &[block]);
    let list =
        |min_items, max_items| within(pb_schema::NestedBlock { min_items, max_items, ..block("b", In::List, &[]) });
    for (schema, expected) in [
        (pb::Schema::default(), "has no block"),
        (of(&pb_schema::Attribute { optional: false, ..text.clone() }), "`a` is neither required nor optional nor"),
        (of(&pb_schema::Attribute { required: true, ..text.clone() }), "`a` is both required and optional"),
        (
            of(&pb_schema::Attribute { optional: false, required: true, computed: true, ..text.clone() }),
            "`a` is both required and computed",
        ),
        (of(&pb_schema::Attribute { computed: true, ..secret.clone() }), "`a` is both write-only and computed"),
        (of(&attribute("a", "")), "`a` has no type"),
        (of(&attribute("a", "[\"lst\",\"string\"]")), "`a` has a malformed type"),
        (of(&attribute("A-b", "\"string\"")), "`A-b` must consist of lower-case letters"),
        (
            of(&pb_schema::Attribute { r#type: b"\"bool\"".to_vec(), ..nested("a", Within::List, &[]) }),
            "`a` has a type and a nested type",
        ),
        (of(&nested("n", Within::Invalid, &[])), "`n` does not say how it is nested"),
        (of(&nested("n", Within::Set, std::slice::from_ref(&open))), "`n`: a set must not hold a value of open type"),
        (of(&nested("n", Within::Set, std::slice::from_ref(&secret))), "`n`: a set must not hold a write-only"),
        (of(&nested("n", Within::List, &[attribute("b", "")])), "`n.b` has no type"),
        (within(block("b", In::Set, std::slice::from_ref(&secret))), "`b`: a set must not hold a write-only"),
        (within(block("b", In::List, &[open])), "`b`: repeated blocks must not hold a value of open type"),
        (within(block("b", In::Invalid, &[])), "`b` does not say how it is nested"),
        (within(block("b", In::List, &[attribute("c", "")])), "`b.c` has no type"),
        (list(2, 1), "`b`: from 2 to 1 blocks makes no sense"),
        (list(-1, 0), "`b`: from -1 to 0 blocks makes no sense"),
        (
            within(pb_schema::NestedBlock { max_items: 1, ..block("b", In::Single, &[]) }),
            "`b`: from 0 to 1 blocks makes no sense",
        ),
        (
            within(pb_schema::NestedBlock { min_items: 1, ..block("b", In::Map, &[]) }),
            "`b`: from 1 to 0 blocks makes no sense",
        ),
        (schema(std::slice::from_ref(&text), &[block("a", In::List, &[])]), "`a` occurs twice"),
        (schema(&[text.clone(), text.clone()], &[]), "`a` occurs twice"),
    ] {
        let mistakes = Schema::read("x", &schema).unwrap_err();
        assert_eq!(mistakes.len(), 1, "{expected}: {mistakes:?}");
        assert!(mistakes[0].starts_with(&format!("x: {expected}")), "{expected}: {mistakes:?}");
    }
    assert!(Schema::read("x", &list(1, 0)).is_ok() && Schema::read("x", &of(&secret)).is_ok());
}

#[test]
fn functions_identities_and_all_others_are_read() {
    let parameter = |name: &str, ty: &str| pb::function::Parameter {
        name: name.to_owned(),
        r#type: ty.as_bytes().to_vec(),
        ..Default::default()
    };
    let function = pb::Function {
        parameters: vec![parameter("one", "\"string\"")],
        variadic_parameter: Some(parameter("more", "\"number\"")),
        r#return: Some(pb::function::Return { r#type: b"[\"list\",\"bool\"]".to_vec() }),
        ..Default::default()
    };
    let thing = schema(&[attribute("a", "\"string\"")], &[]);
    let of = |name: &str| HashMap::from([(name.to_owned(), thing.clone())]);
    let schemas = pb::get_provider_schema::Response {
        provider: Some(thing.clone()),
        resource_schemas: of("x_r"),
        data_source_schemas: of("x_d"),
        ephemeral_resource_schemas: of("x_e"),
        list_resource_schemas: of("x_l"),
        action_schemas: HashMap::from([("x_a".to_owned(), pb::ActionSchema { schema: Some(thing.clone()) })]),
        state_store_schemas: of("x_s"),
        functions: HashMap::from([("f".to_owned(), function)]),
        ..Default::default()
    };
    let id = pb::resource_identity_schema::IdentityAttribute {
        name: "id".into(),
        r#type: b"\"string\"".to_vec(),
        required_for_import: true,
        ..Default::default()
    };
    let identity = pb::ResourceIdentitySchema { version: 2, identity_attributes: vec![id] };
    let identities = |name: &str, identity: &pb::ResourceIdentitySchema| pb::get_resource_identity_schemas::Response {
        identity_schemas: HashMap::from([(name.to_owned(), identity.clone())]),
        diagnostics: Vec::new(),
    };
    let all = Schemas::read(&schemas, &identities("x_r", &identity)).unwrap();
    for schema in [
        all.resource("x_r"),
        all.data_source("x_d"),
        all.ephemeral_resource("x_e"),
        all.list_resource("x_l"),
        all.action("x_a"),
        all.state_store("x_s"),
        &all.provider,
    ] {
        assert_eq!(schema.ty(), &Type::object([("a", Type::String)]));
    }
    let identity_read = all.identity("x_r");
    let value = identity_read.object(&json!({"id": "7"}));
    assert_eq!(identity_read.decode(Some(&identity_read.encode(&value))).unwrap(), value);
    assert_eq!((identity_read.version, identity_read.required_for_import.len()), (2, 1));
    let function = all.function("f");
    assert_eq!(function.arguments(&[json!("x"), json!(1), json!(2)]).len(), 3);
    let answer = crate::encode(&Value::List(vec![true.into()]), &function.result).unwrap();
    assert_eq!(function.result(Some(&answer)), Value::List(vec![true.into()]));

    let mistakes = |identities| Schemas::read(&schemas, &identities).unwrap_err();
    assert_eq!(mistakes(identities("x_other", &identity)), ["x_other: has an identity, but is no resource"]);
    let mut neither = identity;
    neither.identity_attributes[0].required_for_import = false;
    assert!(mistakes(identities("x_r", &neither))[0].contains("must be either required or optional for import"));
}

#[test]
#[should_panic(expected = "there is no resource \"x_other\", only [\"x_r\"]")]
fn a_resource_that_is_not_there_is_told_with_those_that_are() {
    let resource_schemas = HashMap::from([("x_r".to_owned(), schema(&[], &[]))]);
    let schemas = pb::get_provider_schema::Response { resource_schemas, ..Default::default() };
    Schemas::read(&schemas, &pb::get_resource_identity_schemas::Response::default()).unwrap().resource("x_other");
}
