//! Ways in: accounts of the real servers, and of the plugin that does harm. It must not know what happens afterwards.

use serde_json::{Value, json};

use super::{Answer, WireClient};
use crate::ngircd::Ngircd;
use crate::xmpp::XmppServer;

impl WireClient {
    /// Signs straight in with an account of a server of XMPP, as a guest, attaches and waits until the account is online.
    pub fn sign_in_xmpp(&mut self, server: &dyn XmppServer, name: &str) {
        self.log_in_xmpp(server, name, &server.password(name), &json!({})).ok();
        self.attach();
        self.wait_online();
    }

    /// Posts a guest's log-in for an account of a server of XMPP; `options` go over those that lead to it.
    pub fn log_in_xmpp(&mut self, server: &dyn XmppServer, name: &str, password: &str, options: &Value) -> Answer {
        let network = Self::xmpp_network(server, name, password, options);
        self.post("/login", &json!({ "network": network }))
    }

    /// The `network` of a log-in, or the fields of an `account.add`, that lead to an account of a server of XMPP.
    pub fn xmpp_network(server: &dyn XmppServer, name: &str, password: &str, options: &Value) -> Value {
        let mut all = json!({
            "connect_server": "127.0.0.1",
            "port": server.port(),
            "connection_security": "opportunistic_tls",
            "auth_plain_in_clear": true,
        });
        for (key, value) in options.as_object().into_iter().flatten() {
            all[key] = value.clone();
        }
        json!({ "protocol": "prpl-jabber", "username": format!("{name}@localhost/web"), "password": password, "options": all })
    }

    /// Signs straight in to the ngircd, as a guest, attaches and waits until the account is online.
    pub fn sign_in_irc(&mut self, server: &Ngircd, nick: &str) {
        let network = Self::irc_network(server, nick);
        self.post("/login", &json!({ "network": network })).ok();
        self.attach();
        self.wait_online();
    }

    /// The `network` of a log-in, or the fields of an `account.add`, that lead to the ngircd.
    pub fn irc_network(server: &Ngircd, nick: &str) -> Value {
        let mut network = json!({ "protocol": "prpl-irc", "username": format!("{nick}@127.0.0.1"), "options": { "port": server.port() } });
        if let Some(password) = server.password() {
            network["password"] = password.into();
        }
        network
    }

    /// Becomes a user of the site, and attaches. Gives the recovery code.
    pub fn register(&mut self, name: &str, password: &str) -> String {
        let registered = self.post("/register", &json!({ "name": name, "password": password })).ok();
        self.attach();
        registered["recovery"].as_str().unwrap_or_else(|| panic!("no recovery code in {registered}")).to_owned()
    }

    /// Signs in as a user of the site, and attaches.
    pub fn sign_in(&mut self, name: &str, password: &str) {
        self.post("/login", &json!({ "name": name, "password": password })).ok();
        self.attach();
    }

    /// Adds an account of a server of XMPP, and waits until it is online.
    pub fn add_xmpp(&mut self, server: &dyn XmppServer, name: &str) -> String {
        let network = Self::xmpp_network(server, name, &server.password(name), &json!({}));
        let account = self.carry_out("account.add", network)["account"].as_str().expect("an account").to_owned();
        self.attach();
        self.wait_account_online(&account);
        account
    }

    /// Answers the question for an account's password that is open, or comes, with "remember".
    pub fn give_password(&mut self, password: &str) {
        let open = self.snapshot["requests"][0].clone();
        let asked = if open.is_null() {
            self.wait_event("the question for a password", |event| event["type"] == "request.opened")["request"].clone()
        } else {
            open
        };
        let field = |kind: &str| {
            let all = asked["fields"].as_array().expect("fields");
            let found = all.iter().find(|field| field["type"] == kind).unwrap_or_else(|| panic!("no {kind} in {asked}"));
            found["id"].as_str().expect("an id").to_owned()
        };
        let values = json!({ (field("string")): password, (field("bool")): true });
        let answer = json!({ "request": asked["id"], "button": asked["buttons"][0]["id"], "values": values });
        self.carry_out("request.answer", answer);
    }

    /// Signs in with the protocol that does harm on command, as a guest, attaches and waits until the account is online.
    pub fn sign_in_mischief(&mut self, name: &str) {
        self.post("/login", &json!({ "network": { "protocol": "prpl-mischief", "username": name } })).ok();
        self.attach();
        self.wait_online();
    }
}
