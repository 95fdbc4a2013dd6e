//! Looks at the plugins again while the daemon runs: new ones are offered from then on, and workers that do not have them take no new accounts. Ends
//! no connection by itself.

use super::openings::Openings;
use super::place::{Group, Isolation};
use super::trial::Tried;
use super::{Fleet, Stage};
use bridge::Networks as _;
use bridge::frame::{self, Up};
use bridge::handle::Catalogue;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

/// Plugins that may end the workers that open them, in one look.
const PATIENCE: usize = 16;
/// Changes since the start of which each keeps its catalogue for good.
const MOST_LOOKS: usize = 100;
/// Plugins named in the log at each change.
const MOST_LINES: usize = 64;

/// The change of a plugin: its file, its state before and after.
type Change = (String, Option<String>, Option<String>);

impl Fleet {
    /// Looks at them in a worker that is thrown away. Says whether something has changed.
    pub(crate) async fn rescan(&self) -> bool {
        let Ok(_one_at_a_time) = self.0.rescans.try_lock() else {
            log::info!("SIGHUP: the plugins are being looked at already");
            return false;
        };
        // A file that did harm may have been mended: all are tried anew. Workers that start meanwhile leave out those of before.
        let mut openings = Openings::default();
        let Some(new) = self.look_at_plugins(&mut openings).await else { return false };
        let changes = changes(self.catalogue(), &new);
        if changes.is_empty() {
            log::info!("SIGHUP: the plugins are as they were");
            return false;
        }
        if self.0.looks.fetch_add(1, Ordering::Relaxed) >= MOST_LOOKS {
            log::error!(
                "SIGHUP: the plugins have changed {MOST_LOOKS} times since the start: restart the daemon to use them as they are now"
            );
            return false;
        }
        for (file, before, after) in changes.iter().take(MOST_LINES) {
            let words = |state: &Option<String>| state.clone().unwrap_or_else(|| "not there".to_owned());
            log::info!("SIGHUP: plugin {}: was {}, is {}", super::words::clean(file), words(before), words(after));
        }
        if changes.len() > MOST_LINES {
            log::info!("SIGHUP: {} more plugins have changed", changes.len() - MOST_LINES);
        }
        let touched = touched(self.catalogue(), &new);
        let all = is_of_all(self.catalogue(), &touched) || is_of_all(&new, &touched);
        self.lock().openings = openings;
        self.set_catalogue(new);
        self.retire(&touched, all);
        true
    }

    async fn look_at_plugins(&self, openings: &mut Openings) -> Option<Catalogue> {
        for _ in 0..PATIENCE {
            let plugin = match self.try_out(openings.left_out().to_vec(), None).await {
                Tried::Up(Up::Ready { version: frame::VERSION, catalogue }) => return Some(*catalogue),
                Tried::Up(Up::Failed(reason)) => {
                    log::error!("SIGHUP: the plugins stay as they are: {}", super::words::clean(&reason));
                    return None;
                }
                Tried::Not(error) => {
                    log::error!("SIGHUP: the plugins stay as they are: no worker could be started: {error}");
                    return None;
                }
                Tried::Up(_) | Tried::Ended(None) => break,
                Tried::Ended(Some(plugin)) => plugin,
            };
            if !plugin.is_file() || !self.ends_workers(&plugin).await {
                break;
            }
            log::error!("the plugin {} ended the workers that opened it: it is left out", super::words::clean(&plugin.to_string_lossy()));
            if !openings.note(&plugin, true) {
                break;
            }
        }
        log::error!("SIGHUP: the plugins stay as they are: the worker that opened them ended");
        None
    }

    /// Workers that are for these protocols, or for any, and do not have them as they are now, take no new accounts.
    /// `all`: something has changed that every worker opens.
    fn retire(&self, protocols: &BTreeSet<String>, all: bool) {
        let mut state = self.lock();
        for worker in state.workers.values_mut().filter(|worker| worker.is_open()) {
            let is_touched = match &worker.group {
                _ if all => true,
                Group::Protocol(protocol) => protocols.contains(protocol),
                Group::Core => self.0.settings.isolation == Isolation::Shared,
                Group::User(_) | Group::Suspect(_) => true,
            };
            if is_touched {
                worker.stage = Stage::Draining;
            }
        }
        self.fill(&mut state, std::time::Instant::now());
    }
}

/// Each file, and what became of it.
fn states(catalogue: &Catalogue) -> BTreeMap<&str, String> {
    let state = |plugin: &bridge::model::PluginReport| {
        let version = plugin.about.as_ref().map(|about| about.version.as_str()).filter(|version| !version.is_empty());
        let id = plugin.id.as_deref().unwrap_or("?");
        let reason = plugin.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
        format!("{} ({id} {}){reason}", plugin.state, version.unwrap_or("?"))
    };
    catalogue.plugins.iter().map(|plugin| (plugin.path.as_str(), state(plugin))).collect()
}

fn changes(before: &Catalogue, after: &Catalogue) -> Vec<Change> {
    let (before, after) = (states(before), states(after));
    let files: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
    let differing = files.into_iter().filter(|file| before.get(file) != after.get(file));
    differing.map(|file| (file.to_owned(), before.get(file).cloned(), after.get(file).cloned())).collect()
}

/// Ids of the protocols whose files, or what became of them, changed.
fn touched(before: &Catalogue, after: &Catalogue) -> BTreeSet<String> {
    let changed: BTreeSet<String> = changes(before, after).into_iter().map(|(file, ..)| file).collect();
    let of = |catalogue: &Catalogue| -> Vec<String> {
        catalogue.plugins.iter().filter(|plugin| changed.contains(&plugin.path)).filter_map(|plugin| plugin.id.clone()).collect()
    };
    of(before).into_iter().chain(of(after)).collect()
}

/// Whether one of these is in every worker: what ships with libpurple, and what is no protocol.
fn is_of_all(catalogue: &Catalogue, ids: &BTreeSet<String>) -> bool {
    let is_touched = |id: &Option<String>| id.as_ref().is_some_and(|id| ids.contains(id));
    let mut plugins = catalogue.plugins.iter().filter(|plugin| is_touched(&plugin.id));
    plugins.any(|plugin| plugin.ships || plugin.about.as_ref().is_some_and(|about| about.kind != "protocol"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bridge::model::{PluginAbout, PluginReport};

    fn plugin(path: &str, version: &str, state: &str) -> PluginReport {
        let about = PluginAbout { kind: "protocol".to_owned(), name: path.to_owned(), version: version.to_owned() };
        PluginReport {
            path: path.to_owned(),
            id: Some(format!("prpl-{path}")),
            about: Some(about),
            state: state.to_owned(),
            reason: None,
            ships: false,
            denied: Vec::new(),
            kept_back: Vec::new(),
        }
    }

    #[test]
    fn what_came_went_and_changed_is_told() {
        let catalogue = |plugins: Vec<PluginReport>| Catalogue { plugins, ..Catalogue::default() };
        let before = catalogue(vec![plugin("a", "1", "loaded"), plugin("b", "1", "loaded"), plugin("c", "1", "loaded")]);
        let after = catalogue(vec![plugin("a", "1", "loaded"), plugin("b", "2", "loaded"), plugin("d", "1", "refused")]);
        let told: Vec<_> =
            changes(&before, &after).into_iter().map(|(file, before, after)| (file, before.is_some(), after.is_some())).collect();
        assert_eq!(told, [("b".to_owned(), true, true), ("c".to_owned(), true, false), ("d".to_owned(), false, true)]);
        assert_eq!(touched(&before, &after), ["prpl-b", "prpl-c", "prpl-d"].map(str::to_owned).into());
        assert!(changes(&before, &before).is_empty());
    }
}
