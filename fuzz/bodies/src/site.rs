//! A hub with one guest, whose networks take everything and say nothing by themselves.

use bridge::handle::{BridgeHandle, Catalogue, Detached};
use bridge::model::{PasswordNeed, Protocol, UsernameForm};
use std::sync::Arc;
use web::session::{Hub, Network, Session, SessionConfig, SystemClock};

pub(crate) struct Site {
    pub(crate) hub: Arc<Hub>,
    pub(crate) session: Arc<Session>,
    pub(crate) networks: Detached,
}

impl Site {
    pub(crate) fn new() -> Self {
        let protocol = Protocol {
            id: "prpl-jabber".into(),
            name: "XMPP".into(),
            icon: "jabber".into(),
            username: UsernameForm { label: "Username".into(), splits: Vec::new() },
            password: PasswordNeed::Required,
            options: Vec::new(),
            room_fields: Vec::new(),
            statuses: Vec::new(),
            features: bridge::features::Features::default(),
            icon_spec: None,
        };
        let catalogue = Catalogue { protocols: vec![protocol], plugins: Vec::new(), version: String::new() };
        let (handle, networks) = BridgeHandle::detached(1000, catalogue);
        let hub = Hub::new(Arc::new(handle), SessionConfig::default(), Arc::new(SystemClock::default()));
        let guest = r#"{"protocol":"prpl-jabber","username":"ines@example.org","password":"secret"}"#;
        let network: Network = serde_json::from_str(guest).unwrap_or_else(|error| panic!("{error}"));
        let login = hub.open_guest(network, bridge::id::PersonId(1)).unwrap_or_else(|error| panic!("{error:?}"));
        let session = hub.authenticate(&login.token).unwrap_or_else(|| panic!("nobody is signed in"));
        networks.take();
        Self { hub, session, networks }
    }
}
