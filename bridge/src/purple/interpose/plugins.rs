//! Which plugin files libpurple opens: `purple_plugins_probe` answered in its stead by a list; what a plugin then does is not its business.

mod choice;
mod why;

use super::super::{ffi, owner, refused, token::OnPurple};
use super::next::Next;
use crate::config::BridgeConfig;
use crate::model::PluginAbout;
use choice::Choice;
use purple_sys::{PurplePlugin, PurplePluginType, gchar};
use std::cell::RefCell;
use std::ffi::CStr;
use std::path::PathBuf;

pub(super) type Probe = unsafe extern "C" fn(*const gchar);

// SAFETY: libpurple's declaration.
static PROBE: Next<Probe> = unsafe { Next::new(c"purple_plugins_probe") };

/// No file ends like this: libpurple's own function is called with it to load what has been probed.
const NO_EXTENSION: &CStr = c".bellflower-none";

/// What became of one plugin file, for the administrator.
#[derive(Debug, Clone, PartialEq, Eq)]
struct PluginReport {
    /// The file that was looked at.
    file: PathBuf,
    /// The plugin's id ("prpl-jabber"); `None` when the file was not opened and is not libpurple's own, or is no plugin.
    id: Option<String>,
    /// Self-description; `None` when the file was not opened.
    about: Option<PluginAbout>,
    /// What happened.
    outcome: PluginOutcome,
    /// Things that the sandbox refused it meanwhile, in words.
    denied: Vec<String>,
}

/// See [`PluginReport`].
#[derive(Debug, Clone, PartialEq, Eq)]
enum PluginOutcome {
    /// In use.
    Loaded,
    /// Opened, and to be loaded by [`load_plugins`]: no protocol, so it may need all of libpurple to be there.
    Waiting,
    /// Left out by configuration or by rule; says which.
    Skipped(&'static str),
    /// Wanted, but could not be loaded; says why, in libpurple's words where there are any.
    Failed(String),
}

thread_local! {
    static CHOICE: RefCell<Option<Choice>> = const { RefCell::new(None) };
    static REPORTS: RefCell<Vec<PluginReport>> = const { RefCell::new(Vec::new()) };
}

/// Sets what the probe in `purple_core_init` will look for.
pub(super) fn configure(_: OnPurple, config: &BridgeConfig) {
    CHOICE.set(Some(Choice::new(config)));
    REPORTS.take();
}

/// What became of each plugin file, in the order they were looked at; complete after [`load_plugins`].
pub(crate) fn plugin_reports() -> Vec<crate::model::PluginReport> {
    REPORTS.with_borrow(|reports| reports.iter().map(PluginReport::told).collect())
}

impl PluginReport {
    fn of(file: PathBuf, id: Option<String>, outcome: PluginOutcome) -> Self {
        Self { file, id, about: None, outcome, denied: Vec::new() }
    }

    /// Whether the plugin was wanted, and even its id is unknown.
    fn could_not_be_opened(&self) -> bool {
        self.about.is_none() && matches!(self.outcome, PluginOutcome::Failed(_))
    }

    fn is_in_use(&self) -> bool {
        matches!(self.outcome, PluginOutcome::Loaded | PluginOutcome::Waiting)
    }

    fn told(&self) -> crate::model::PluginReport {
        let (state, reason) = match &self.outcome {
            PluginOutcome::Loaded => ("loaded", None),
            PluginOutcome::Waiting => ("found", None),
            PluginOutcome::Skipped(why) => ("refused", Some((*why).to_owned())),
            PluginOutcome::Failed(why) => ("refused", Some(why.clone())),
        };
        crate::model::PluginReport {
            path: self.file.display().to_string(),
            id: self.id.clone(),
            about: self.about.clone(),
            state: state.to_owned(),
            reason,
            ships: self.id.as_deref().is_some_and(|id| choice::ships(&self.file, id)),
            denied: self.denied.clone(),
            kept_back: Vec::new(),
        }
    }
}

/// `purple_plugins_probe` in libpurple's stead: opens the wanted files, has libpurple load what they hold, and reports on each.
///
/// # Safety
/// As libpurple's.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn purple_plugins_probe(extension: *const gchar) {
    ffi::guard_on("purple_plugins_probe", (), |token| {
        let Some(real) = PROBE.get() else { return };
        // SAFETY: libpurple passes a C string or NULL.
        let extension = unsafe { ffi::borrowed(extension) };
        let choice = CHOICE.take();
        match (&choice, extension.as_deref()) {
            (Some(choice), None | Some("so")) => probe_chosen(token, choice, real),
            // A loader that was asked for by name looks for its scripts.
            (Some(choice), Some(extension)) if choice.has_loaders() => {
                let extension = ffi::in_process(extension);
                // SAFETY: a live C string.
                unsafe { real(extension.as_ptr()) };
            }
            _ => log::warn!(target: "bridge", "a search for plugins was left out"),
        }
        CHOICE.set(choice);
    });
}

fn probe_chosen(token: OnPurple, choice: &Choice, real: Probe) {
    let mut reports: Vec<PluginReport> = Vec::new();
    for file in choice.files(&search_paths(token)) {
        let report = open(token, choice, file, &reports);
        reports.push(report);
    }
    open_again(token, choice, &mut reports);
    // SAFETY: a C string. This loads the protocols that were probed.
    unsafe { real(NO_EXTENSION.as_ptr()) };
    for report in &mut reports {
        settle(token, report);
        tell(report);
    }
    REPORTS.with_borrow_mut(|all| all.extend(reports));
}

/// Opens a file, if it is wanted.
fn open(token: OnPurple, choice: &Choice, file: PathBuf, others: &[PluginReport]) -> PluginReport {
    let probe = || probe_file(token, choice, file.clone(), others);
    let (mut report, denied) = refused::while_opening(|| owner::opening(&file, probe));
    report.denied = denied;
    report
}

/// Opens those again that could not be: what they need may have come with a later one, as XMPP's own library does. Until it helps no more.
fn open_again(token: OnPurple, choice: &Choice, reports: &mut [PluginReport]) {
    let failed = |reports: &[PluginReport]| reports.iter().filter(|report| report.could_not_be_opened()).count();
    loop {
        let before = failed(reports);
        for at in 0..reports.len() {
            let Some(file) = reports.get(at).filter(|report| report.could_not_be_opened()).map(|report| report.file.clone()) else {
                continue;
            };
            let report = open(token, choice, file, reports);
            reports.get_mut(at).into_iter().for_each(|old| *old = report.clone());
        }
        if failed(reports) == before || before == 0 {
            return;
        }
    }
}

fn search_paths(_: OnPurple) -> Vec<PathBuf> {
    // SAFETY: libpurple's own list of C strings, copied before anything else runs.
    let paths: Vec<*mut gchar> = unsafe { ffi::list(purple_sys::purple_plugins_get_search_paths()) };
    // SAFETY: as above.
    paths.into_iter().filter_map(|path| unsafe { ffi::borrowed(path) }).map(PathBuf::from).collect()
}

/// Decides by the file, opens it, then decides by what it says it is. `others`: those that were looked at before.
fn probe_file(token: OnPurple, choice: &Choice, file: PathBuf, others: &[PluginReport]) -> PluginReport {
    if let Err(why) = choice.may_open(&file) {
        let id = choice::known(&file).map(str::to_owned);
        return PluginReport::of(file, id, PluginOutcome::Skipped(why));
    }
    let path = ffi::in_process(&file.to_string_lossy());
    // SAFETY: a live C string.
    let plugin = unsafe { purple_sys::purple_plugin_probe(path.as_ptr()) };
    if plugin.is_null() {
        let why = why::it_cannot_be_opened(&file);
        return PluginReport::of(file, None, PluginOutcome::Failed(why));
    }
    let Some(Said { id, kind, about }) = said(token, plugin) else {
        return PluginReport::of(file, None, PluginOutcome::Failed(error_of(token, plugin)));
    };
    let report = |outcome| PluginReport { about: Some(about), ..PluginReport::of(file.clone(), Some(id.clone()), outcome) };
    // SAFETY: a live plugin. libpurple destroys such a one itself, with the reason.
    if unsafe { purple_sys::purple_plugin_is_unloadable(plugin) } != 0 {
        return report(PluginOutcome::Failed(error_of(token, plugin)));
    }
    let serves = |other: &&PluginReport| other.file != file && other.id.as_ref() == Some(&id) && other.is_in_use();
    if let Some(other) = others.iter().find(serves) {
        // SAFETY: as below.
        unsafe { purple_sys::purple_plugin_destroy(plugin) };
        return report(PluginOutcome::Failed(format!("{} has the same id and serves in its stead", other.file.display())));
    }
    if let Err(why) = choice.may_load(&file, &id, kind == PurplePluginType::PURPLE_PLUGIN_PROTOCOL) {
        // SAFETY: just probed, not loaded, and nobody has it.
        unsafe { purple_sys::purple_plugin_destroy(plugin) };
        return report(PluginOutcome::Skipped(why));
    }
    // libpurple loads protocols by itself as soon as they are probed.
    report(if kind == PurplePluginType::PURPLE_PLUGIN_PROTOCOL { PluginOutcome::Loaded } else { PluginOutcome::Waiting })
}

/// Self-description of a plugin that was opened.
struct Said {
    id: String,
    kind: PurplePluginType,
    about: PluginAbout,
}

/// `None` for a plugin without an id.
fn said(_: OnPurple, plugin: *const PurplePlugin) -> Option<Said> {
    // SAFETY: a live plugin.
    let info = unsafe { (*plugin).info };
    if info.is_null() {
        return None;
    }
    // SAFETY: the plugin's own static description, whose texts are C strings or NULL.
    let (kind, id, name, version) =
        unsafe { ((*info).type_, ffi::borrowed((*info).id), ffi::borrowed((*info).name), ffi::borrowed((*info).version)) };
    let word = match kind {
        PurplePluginType::PURPLE_PLUGIN_PROTOCOL => "protocol",
        PurplePluginType::PURPLE_PLUGIN_LOADER => "loader",
        _ => "other",
    };
    let about = PluginAbout { kind: word.to_owned(), name: name.unwrap_or_default(), version: version.unwrap_or_default() };
    Some(Said { id: id.filter(|id| !id.is_empty())?, kind, about })
}

fn error_of(_: OnPurple, plugin: *const PurplePlugin) -> String {
    // SAFETY: a live plugin; its error is a C string or NULL.
    unsafe { ffi::borrowed((*plugin).error) }
        .map(|error| why::in_words(&error))
        .unwrap_or_else(|| "libpurple did not load it and does not say why".to_owned())
}

/// After libpurple has loaded the protocols: is it among them?
fn settle(_: OnPurple, report: &mut PluginReport) {
    let (PluginOutcome::Loaded, Some(id)) = (&report.outcome, &report.id) else { return };
    let id = ffi::in_process(id);
    // SAFETY: a live C string.
    if unsafe { purple_sys::purple_find_prpl(id.as_ptr()) }.is_null() {
        report.outcome = PluginOutcome::Failed("libpurple could not load it".to_owned());
    }
}

/// Loads the plugins that are no protocols and were asked for. Once, after `purple_core_init`: they connect to signals of all its parts.
pub(crate) fn load_plugins(token: OnPurple) {
    let mut reports = REPORTS.take();
    for report in reports.iter_mut().filter(|report| report.outcome == PluginOutcome::Waiting) {
        let load = || load(token, report.id.as_deref().unwrap_or_default());
        let (outcome, denied) = refused::while_opening(|| owner::opening(&report.file, load));
        report.outcome = outcome;
        report.denied.extend(denied);
        tell(report);
    }
    CHOICE.with_borrow(|choice| {
        for name in choice.iter().flat_map(|choice| choice.unmatched(reports.iter().map(|report| (&*report.file, report.id.as_deref())))) {
            log::warn!(target: "bridge", "plugins.load: no plugin here has the id or the file name `{name}`");
        }
    });
    REPORTS.set(reports);
}

fn load(token: OnPurple, id: &str) -> PluginOutcome {
    let id = ffi::in_process(id);
    // SAFETY: a live C string.
    let plugin = unsafe { purple_sys::purple_plugins_find_with_id(id.as_ptr()) };
    if plugin.is_null() {
        return PluginOutcome::Failed("libpurple could not load it".to_owned());
    }
    // SAFETY: a live plugin; one that is loaded already stays so.
    if unsafe { purple_sys::purple_plugin_load(plugin) } == 0 {
        return PluginOutcome::Failed(error_of(token, plugin));
    }
    PluginOutcome::Loaded
}

fn tell(report: &PluginReport) {
    let file = report.file.display();
    match &report.outcome {
        PluginOutcome::Loaded => log::info!(target: "bridge", "plugin {file}: loaded"),
        PluginOutcome::Waiting => log::debug!(target: "bridge", "plugin {file}: opened"),
        PluginOutcome::Skipped(why) => log::debug!(target: "bridge", "plugin {file}: left out: {why}"),
        PluginOutcome::Failed(why) => log::warn!(target: "bridge", "plugin {file}: {why}"),
    }
}

#[cfg(test)]
mod tests;
