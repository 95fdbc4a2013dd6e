//! The egress rules against the registries, and as properties.

use super::*;
use proptest::prelude::*;

fn range(text: &str) -> Range {
    text.parse().unwrap()
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn with(allow: &[&str]) -> Policy {
    Policy::new(&allow.iter().map(|text| range(text)).collect::<Vec<_>>())
}

#[test]
fn special_addresses_are_refused() {
    for text in [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.255",
        "169.254.1.1",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.9",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "168.63.129.16",
        "100.100.100.200",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:10.1.1.1",
        "::127.0.0.1",
        "::ffff:0:127.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b::a00:1",
        "64:ff9b:1::1.2.3.4",
        "2002:7f00:1::1",
        "2002:c0a8:101::",
        "2001:0:5ef5:79fd:0:0:80ff:fffe",
        "2001:db8::1",
        "2001:2::1",
        "2001:10::1",
        "3fff::1",
        "fc00::1",
        "fd00:ec2::254",
        "fd20:ce::254",
        "fdff::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "100::1",
        "4000::1",
        "5f00::1",
        "2600::200:5efe:10.0.0.1",
        "2600::5efe:192.168.0.1",
    ] {
        assert!(Policy::default().refusal(address(text)).is_some(), "{text} must be refused");
    }
}

#[test]
fn public_addresses_are_reached() {
    for text in [
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "2002:808:808::1",
        "2606:4700::1111",
        "2a00:1450::1",
        "2001:200::1",
        "2001:4860:4860::8888",
    ] {
        assert_eq!(Policy::default().refusal(address(text)), None, "{text} must be reached");
    }
}

#[test]
fn the_list_makes_exceptions_as_narrow_as_it_says() {
    let policy = with(&["127.0.0.0/8", "10.1.0.0/16", "fd00:5::/32", "::1"]);
    for text in ["127.0.0.1", "::ffff:127.0.0.1", "10.1.2.3", "fd00:5::9", "::1", "64:ff9b::10.1.2.3"] {
        assert_eq!(policy.refusal(address(text)), None, "{text}");
    }
    for text in ["10.2.0.1", "192.168.0.1", "fd00:6::9", "::2", "::127.0.0.1"] {
        assert!(policy.refusal(address(text)).is_some(), "{text}");
    }
    // A range given in mapped form means the IPv4 range.
    assert_eq!(with(&["::ffff:10.0.0.0/104"]).refusal(address("10.9.9.9")), None);
    // No IPv6 range, however wide, opens IPv4.
    assert!(with(&["::/0"]).refusal(address("10.9.9.9")).is_some());
}

#[test]
fn credentials_of_the_cloud_need_a_line_of_their_own() {
    let wide = with(&["0.0.0.0/0", "::/0", "169.254.0.0/16", "fd00::/8"]);
    for text in ["169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254", "100.100.100.200"] {
        assert!(wide.refusal(address(text)).is_some(), "{text}");
    }
    assert_eq!(with(&["169.254.169.254"]).refusal(address("169.254.169.254")), None);
    assert_eq!(wide.refusal(address("169.254.1.1")), None);
}

#[test]
fn a_source_fits_the_family_and_the_reach_of_its_destination() {
    let sources = ["127.0.0.2", "192.0.2.7", "192.0.2.8", "2001:db8::7"].map(address);
    let chosen = |to: &str| {
        let all: std::collections::BTreeSet<_> = (0..20).filter_map(|user| choose(&sources, UserId(user), address(to))).collect();
        all.into_iter().map(|source| source.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(chosen("127.0.0.1"), ["127.0.0.2"]);
    assert_eq!(chosen("198.51.100.1"), ["192.0.2.7", "192.0.2.8"]);
    assert_eq!(chosen("2001:db8::1"), ["2001:db8::7"]);
    assert_eq!(chosen("::1"), Vec::<String>::new(), "the system chooses");
    let one = |user| choose(&sources, UserId(user), address("198.51.100.1"));
    assert_eq!(one(5), one(5));
}

#[test]
fn a_refusal_is_remembered_for_its_account_and_told_once() {
    let (one, two) = (AccountId(u64::MAX - 1), AccountId(u64::MAX - 2));
    super::super::owner::with(Some(one), || note_refusal(address("10.0.0.1"), "a private address"));
    super::super::owner::with(Some(one), || note_refusal(address("10.0.0.2"), "a private address"));
    note_refusal(address("10.0.0.3"), "a private address");
    assert_eq!(take_refusal(two), None);
    assert_eq!(take_refusal(one), Some(address("10.0.0.2")));
    assert_eq!(take_refusal(one), None);
}

proptest! {
    /// The standard library has its own opinion of what is special; whatever it names, we refuse.
    #[test]
    fn what_std_calls_special_is_refused(bits: u32) {
        let four = Ipv4Addr::from_bits(bits);
        let special = four.is_private() || four.is_loopback() || four.is_link_local() || four.is_broadcast() || four.is_documentation()
            || four.is_multicast() || four.is_unspecified();
        if special {
            prop_assert!(Policy::default().refusal(IpAddr::V4(four)).is_some());
        }
    }

    #[test]
    fn what_std_calls_special_in_ipv6_is_refused(bits: u128) {
        let six = Ipv6Addr::from_bits(bits);
        let special = six.is_multicast() || six.is_loopback() || six.is_unique_local() || six.is_unicast_link_local() || six.is_unspecified();
        if special {
            prop_assert!(Policy::default().refusal(IpAddr::V6(six)).is_some());
        }
    }

    /// No way of writing a refused IPv4 address as IPv6 gets past; the mapped form means exactly the same.
    #[test]
    fn dressing_up_as_ipv6_does_not_help(host: u32, special in prop::sample::select(vec![0x0a00_0000_u32, 0x7f00_0000, 0xc0a8_0000, 0xa9fe_0000])) {
        for bits in [special | (host & 0xffff), host] {
            let four = Ipv4Addr::from_bits(bits);
            let plain = Policy::default().refusal(IpAddr::V4(four));
            prop_assert_eq!(Policy::default().refusal(IpAddr::V6(four.to_ipv6_mapped())), plain);
            if plain.is_some() {
                let (high, low) = (u128::from(bits >> 16), u128::from(bits & 0xffff));
                let together = (high << 16) | low;
                for dressed in [
                    (0x64_u128 << 112) | (0xff9b_u128 << 96) | together,
                    (0x2002_u128 << 112) | (together << 80) | 1,
                    together,
                    (0xffff_u128 << 48) | together,
                    (0x2600_u128 << 112) | (0x5efe_u128 << 32) | together,
                ] {
                    prop_assert!(Policy::default().refusal(IpAddr::V6(Ipv6Addr::from_bits(dressed))).is_some());
                }
            }
        }
    }

    /// A range opens every address in it, and only those.
    #[test]
    fn a_range_covers_what_shares_its_start(bits: u32, other: u32, length in 0_u8..=32) {
        let range = Range { address: IpAddr::V4(Ipv4Addr::from_bits(bits)), bits: length };
        let mask = if length == 0 { 0 } else { u32::MAX << (32 - length) };
        prop_assert_eq!(contains(range, IpAddr::V4(Ipv4Addr::from_bits(other))), (bits & mask) == (other & mask));
        prop_assert!(contains(range, IpAddr::V4(Ipv4Addr::from_bits((bits & mask) | (other & !mask)))));
    }
}
