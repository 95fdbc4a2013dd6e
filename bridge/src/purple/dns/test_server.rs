//! For tests only: a name server on loopback with the zone it is given, which notes what it is asked; it knows UDP only.

use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::rdata::{SOA, SRV, TXT};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};

/// A zone: names (absolute, lower case) and what they hold. What is not there does not exist; what begins with `silent` gets no answer, and
/// what begins with `half` none about IPv6.
pub(super) type Zone = Vec<(&'static str, RData)>;

pub(super) struct Server {
    pub(super) address: SocketAddr,
    asked: Arc<Mutex<Vec<(String, RecordType)>>>,
}

impl Server {
    /// Answers until the process ends, which in tests is soon.
    pub(super) fn start(zone: Zone) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let server = Self { address: socket.local_addr().unwrap(), asked: Arc::default() };
        let asked = server.asked.clone();
        std::thread::spawn(move || {
            crate::trust_this_thread();
            let mut packet = [0; 4096];
            loop {
                let (length, client) = socket.recv_from(&mut packet).unwrap();
                let question = Message::from_vec(&packet[..length]).unwrap();
                let query = question.queries[0].clone();
                asked.lock().unwrap().push((query.name().to_ascii().to_lowercase(), query.query_type()));
                if let Some(answer) = answer(&zone, &question) {
                    socket.send_to(&answer.to_vec().unwrap(), client).unwrap();
                }
            }
        });
        server
    }

    /// How often a name was asked for.
    pub(super) fn count(&self, name: &str, kind: RecordType) -> usize {
        self.asked.lock().unwrap().iter().filter(|(asked, what)| asked == name && *what == kind).count()
    }
}

fn answer(zone: &Zone, question: &Message) -> Option<Message> {
    let query = question.queries[0].clone();
    let name = query.name().to_ascii().to_lowercase();
    if name.starts_with("silent") || name.starts_with("half") && query.query_type() == RecordType::AAAA {
        return None;
    }
    let mut answer = Message::response(question.metadata.id, question.metadata.op_code);
    answer.metadata.recursion_desired = true;
    answer.metadata.recursion_available = true;
    let here: Vec<&RData> = zone.iter().filter(|(held, _)| *held == name).map(|(_, data)| data).collect();
    if here.is_empty() {
        answer.metadata.response_code = ResponseCode::NXDomain;
    }
    let fitting: Vec<Record> = here
        .into_iter()
        .filter(|data| data.record_type() == query.query_type())
        .map(|data| Record::from_rdata(query.name().clone(), 60, data.clone()))
        .collect();
    if fitting.is_empty() {
        // RFC 2308: this is what lets a "no" be remembered.
        let root = Name::root();
        answer.add_authority(Record::from_rdata(root.clone(), 60, RData::SOA(SOA::new(root.clone(), root, 1, 60, 60, 60, 60))));
    }
    answer.add_answers(fitting);
    answer.add_query(query);
    Some(answer)
}

pub(super) fn a(text: &str) -> RData {
    RData::A(text.parse::<std::net::Ipv4Addr>().unwrap().into())
}

pub(super) fn aaaa(text: &str) -> RData {
    RData::AAAA(text.parse::<std::net::Ipv6Addr>().unwrap().into())
}

pub(super) fn srv(priority: u16, weight: u16, port: u16, target: &str) -> RData {
    RData::SRV(SRV::new(priority, weight, port, Name::from_ascii(target).unwrap()))
}

pub(super) fn txt(parts: &[&str]) -> RData {
    RData::TXT(TXT::new(parts.iter().map(|part| (*part).to_owned()).collect()))
}
