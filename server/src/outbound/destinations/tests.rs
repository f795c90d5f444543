use url::Url;

use super::*;

fn rules(list: &[&str]) -> Vec<Rule> {
    list.iter().map(|rule| rule.parse().unwrap()).collect()
}

fn destinations(allow: &[&str], deny: &[&str]) -> Destinations {
    Destinations { allow: rules(allow), deny: rules(deny) }
}

/// Why a URL is denied whose host resolves to `addresses`.
fn why(destinations: &Destinations, url: &str, addresses: &[&str]) -> Option<String> {
    let url = Url::parse(url).unwrap();
    let host = url.host().unwrap();
    if let Err(denied) = destinations.check_host(&host) {
        return Some(denied.to_string());
    }
    let Host::Domain(name) = host else { return None };
    let mut denied = addresses.iter().map(|address| destinations.check_address(address.parse().unwrap(), Some(name)));
    denied.find_map(Result::err).map(|denied| denied.to_string())
}

#[test]
fn rules_are_names_domains_addresses_and_networks() {
    let cases = [
        ("Example.COM", "example.com"),
        (" example.com. ", "example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("*.Example.com", "*.example.com"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("10.1.2.3", "10.1.2.3"),
        ("0x7f.1", "127.0.0.1"),
        ("::1", "::1"),
        ("[::1]", "::1"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("::ffff:10.1.2.3", "10.1.2.3"),
        ("fd00::/8", "fd00::/8"),
        ("0.0.0.0/0", "0.0.0.0/0"),
    ];
    for (text, shown) in cases {
        assert_eq!(text.parse::<Rule>().map(|rule| rule.to_string()), Ok(shown.to_owned()), "{text}");
    }
    let wrong = [
        "",
        "*",
        "*.",
        "a b",
        "10.0.0.0/33",
        "::/129",
        "10.0.0.0/",
        "example.com/8",
        "*.10.0.0.1",
        "a.*.b",
        "::ffff:1.2.3.4/8",
    ];
    for text in wrong {
        let error = text.parse::<Rule>().unwrap_err();
        assert!(error.starts_with(&format!("`{text}` is no destination: write ")), "{error}");
    }
}

#[test]
fn without_rules_only_special_addresses_are_closed() {
    let open = Destinations::default();
    for (url, addresses) in [
        ("http://example.com", &["93.184.215.14", "2606:2800::1"][..]),
        ("http://10.0.0.1/", &[]),
        ("http://127.0.0.1/", &[]),
        ("http://[::1]/", &[]),
        ("http://localhost/", &["127.0.0.1", "::1"]),
        ("http://168.254.0.1/", &[]),
        ("http://170.254.0.1/", &[]),
    ] {
        assert_eq!(why(&open, url, addresses), None, "{url}");
    }
    let metadata = "the server sends no requests of scripts to 169.254.169.254: it is link-local, where clouds keep their \
         metadata; an address or a network in --fetch-allow opens it";
    for url in [
        "http://169.254.169.254/",
        "http://2852039166/",
        "http://0xa9fea9fe/",
        "http://0xA9.0xFE.0xA9.0xFE/",
        "http://0251.0376.0251.0376/",
        "http://169.254.43518/",
        "http://169.254.169.254./",
        "http://[::ffff:169.254.169.254]/",
        "http://[::ffff:a9fe:a9fe]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[2002:a9fe:a9fe::]/",
        "http://[2002:a9fe:a9fe:1::1]/",
        "http://[::169.254.169.254]/",
        "http://１６９.254.169.254/",
        "http://169%2e254%2e169%2e254/",
        "http://user@169.254.169.254:8080/x",
    ] {
        assert_eq!(why(&open, url, &[]).as_deref(), Some(metadata), "{url}");
    }
    for (url, address, what) in [
        ("http://[fe80::1]/", "fe80::1", "link-local"),
        ("http://[fd00:ec2::254]/", "fd00:ec2::254", "where a cloud keeps its metadata"),
        ("http://[fd00:ec2::23]/", "fd00:ec2::23", "where a cloud keeps its metadata"),
        ("http://[fd20:ce::254]/", "fd20:ce::254", "where a cloud keeps its metadata"),
        ("http://[fd00:42::42]/", "fd00:42::42", "where a cloud keeps its metadata"),
        ("http://100.100.100.200/", "100.100.100.200", "where a cloud keeps its metadata"),
        ("http://168.63.129.16/", "168.63.129.16", "where a cloud keeps its metadata"),
        ("http://192.0.0.192/", "192.0.0.192", "where a cloud keeps its metadata"),
        (
            "http://[64:ff9b:1:a9fe:a9:fe00::]/",
            "64:ff9b:1:a9fe:a9:fe00::",
            "translated by a gateway, to an address that cannot be checked",
        ),
        ("http://224.0.0.1/", "224.0.0.1", "not the address of one host"),
        ("http://255.255.255.255/", "255.255.255.255", "not the address of one host"),
        ("http://[ff02::1]/", "ff02::1", "not the address of one host"),
        ("http://0.0.0.0/", "0.0.0.0", "not the address of a host"),
        ("http://0/", "0.0.0.0", "not the address of a host"),
        ("http://[::]/", "::", "not the address of a host"),
        ("http://[::ffff:0:0]/", "0.0.0.0", "not the address of a host"),
    ] {
        let expected = format!(
            "the server sends no requests of scripts to {address}: it is {what}; an address or a network in --fetch-allow opens it"
        );
        assert_eq!(why(&open, url, &[]), Some(expected), "{url}");
    }
    let named = why(&open, "http://metadata.example/", &["169.254.169.254"]).unwrap();
    assert!(named.starts_with(
        "the server sends no requests of scripts to metadata.example (169.254.169.254): it is link-local"
    ));
}

#[test]
fn a_denial_wins() {
    let some = destinations(&["*.example.com", "10.0.0.0/8"], &["secret.example.com", "10.0.0.0/16", "*.internal"]);
    let denied = |destination: &str, rule: &str| {
        Some(format!("the server sends no requests of scripts to {destination}: --fetch-deny lists {rule}"))
    };
    assert_eq!(
        why(&some, "http://secret.example.com/", &["10.1.0.1"]),
        denied("secret.example.com", "secret.example.com")
    );
    assert_eq!(
        why(&some, "http://SECRET.example.com./", &["10.1.0.1"]),
        denied("secret.example.com", "secret.example.com")
    );
    assert_eq!(why(&some, "http://a.example.com/", &["10.0.0.1"]), denied("a.example.com (10.0.0.1)", "10.0.0.0/16"));
    assert_eq!(
        why(&some, "http://a.example.com/", &["::ffff:10.0.0.1"]),
        denied("a.example.com (10.0.0.1)", "10.0.0.0/16")
    );
    assert_eq!(why(&some, "http://x.y.internal/", &["10.1.0.1"]), denied("x.y.internal", "*.internal"));
    assert_eq!(why(&some, "http://internal/", &["10.1.0.1"]), None);
    assert_eq!(why(&some, "http://10.0.255.1/", &[]), denied("10.0.255.1", "10.0.0.0/16"));
    assert_eq!(why(&some, "http://[2002:a00:ff01::]/", &[]), denied("10.0.255.1", "10.0.0.0/16"));
    let tunnels = destinations(&[], &["2002::/16", "64:ff9b::/96", "127.0.0.1", "::1"]);
    assert_eq!(why(&tunnels, "http://[2002:a00:1::]/", &[]), denied("10.0.0.1", "2002::/16"));
    assert_eq!(why(&tunnels, "http://[64:ff9b::a00:1]/", &[]), denied("10.0.0.1", "64:ff9b::/96"));
    assert_eq!(why(&tunnels, "http://[::7f00:1]/", &[]), denied("127.0.0.1", "127.0.0.1"));
    assert_eq!(why(&tunnels, "http://[::1]/", &[]), denied("::1", "::1"));
}

#[test]
fn where_something_is_allowed_nothing_else_is() {
    let names = destinations(&["api.example.com", "*.example.org", "bücher.example"], &[]);
    let not_listed = |what: &str| {
        Some(format!("the server sends no requests of scripts to {what}: it is not listed in --fetch-allow"))
    };
    assert_eq!(why(&names, "https://API.example.com./", &["93.184.215.14"]), None);
    assert_eq!(why(&names, "https://a.b.example.org/", &["93.184.215.14"]), None);
    assert_eq!(why(&names, "https://bücher.example/", &["93.184.215.14"]), None);
    assert_eq!(why(&names, "https://example.org/", &[]), not_listed("example.org"));
    assert_eq!(why(&names, "https://badexample.org/", &[]), not_listed("badexample.org"));
    assert_eq!(why(&names, "https://93.184.215.14/", &[]), not_listed("93.184.215.14"));
    // A name that is allowed may not stand for what is closed.
    let metadata = why(&names, "https://api.example.com/", &["169.254.169.254"]).unwrap();
    assert!(metadata.contains("api.example.com (169.254.169.254): it is link-local"), "{metadata}");

    let addresses = destinations(&["10.0.0.0/8", "169.254.169.254"], &[]);
    assert_eq!(why(&addresses, "http://db.internal/", &["10.1.2.3"]), None);
    assert_eq!(why(&addresses, "http://169.254.169.254/", &[]), None);
    assert_eq!(why(&addresses, "http://example.com/", &["8.8.8.8"]), not_listed("example.com (8.8.8.8)"));
    assert!(why(&addresses, "http://169.254.169.253/", &[]).unwrap().contains("link-local"));
}
