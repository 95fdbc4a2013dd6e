//! Reads a protocol plugin's own data into ours; needs a running core and keeps nothing.

use super::super::ffi::{borrowed, in_process, list, without_mnemonic};
use super::super::token::OnPurple;
use super::meaning;
use crate::features::Features;
use crate::model::{
    Choice, IconSpec, OptionType, PasswordNeed, Protocol, ProtocolOption, RoomField, Split, StatusKind, StatusType, UsernameForm, Value,
};
use glib_sys::GFALSE;
use purple_sys::{
    PurpleAccount, PurpleAccountOption, PurpleAccountUserSplit, PurpleConnection, PurpleKeyValuePair, PurplePlugin,
    PurplePluginProtocolInfo, PurplePrefType, PurpleProtocolOptions, PurpleStatusAttr, PurpleStatusPrimitive, PurpleStatusType,
    proto_chat_entry,
};
use std::collections::BTreeMap;
use std::ffi::{CStr, c_char};
use std::mem::offset_of;

/// A protocol plugin, live for as long as libpurple is.
pub(super) struct Plugin {
    pub(super) id: String,
    name: String,
    has_actions: bool,
    info: &'static PurplePluginProtocolInfo,
}

/// Every protocol plugin that is loaded.
pub(super) fn all(_: OnPurple) -> Vec<Plugin> {
    // SAFETY: libpurple's own list of live plugins.
    let plugins = unsafe { list::<PurplePlugin>(purple_sys::purple_plugins_get_protocols()) };
    // SAFETY: a protocol plugin's info and extra_info are there and stay until libpurple quits.
    plugins
        .into_iter()
        .filter_map(|plugin| unsafe {
            let info = (*plugin).info.as_ref()?;
            Some(Plugin {
                id: borrowed(info.id)?,
                name: borrowed(info.name).unwrap_or_default(),
                has_actions: info.actions.is_some(),
                info: info.extra_info.cast::<PurplePluginProtocolInfo>().as_ref()?,
            })
        })
        .collect()
}

/// An account object that is in no list, for functions that want one; gone when dropped.
struct Specimen(*mut PurpleAccount);

impl Specimen {
    fn of(_: OnPurple, protocol: &str) -> Self {
        let id = in_process(protocol);
        // SAFETY: C strings, copied. It is never added, signed on or found by anybody.
        Self(unsafe { purple_sys::purple_account_new(c"specimen".as_ptr(), id.as_ptr()) })
    }
}

impl Drop for Specimen {
    fn drop(&mut self) {
        // SAFETY: made in `of`, never handed on.
        unsafe { purple_sys::purple_account_destroy(self.0) };
    }
}

/// A plugin's options, as far as users get them.
pub(super) struct Options {
    pub(super) shown: Vec<ProtocolOption>,
    /// Keys of those that name things of this machine.
    pub(super) kept_back: Vec<String>,
    /// The value that the plugin announces for each, options that are kept back too; its first choice where it announces none.
    pub(super) announced: BTreeMap<String, Value>,
}

/// All that is to be told of a plugin.
pub(super) fn protocol(token: OnPurple, plugin: Plugin, options_shown: Vec<ProtocolOption>) -> Protocol {
    let specimen = Specimen::of(token, &plugin.id);
    let statuses = statuses(&specimen);
    let features = features(&plugin, &statuses);
    let options = plugin.info.options;
    let has = |flag: PurpleProtocolOptions| options.0 & flag.0 != 0;
    let password = if has(PurpleProtocolOptions::OPT_PROTO_NO_PASSWORD) {
        PasswordNeed::None
    } else if has(PurpleProtocolOptions::OPT_PROTO_PASSWORD_OPTIONAL) {
        PasswordNeed::Optional
    } else {
        PasswordNeed::Required
    };
    Protocol {
        icon: icon(&plugin, &specimen),
        username: UsernameForm { label: login_label(plugin.info, &specimen), splits: splits(plugin.info) },
        password,
        options: options_shown,
        room_fields: room_fields(&plugin, &specimen),
        statuses,
        icon_spec: icon_spec(plugin.info).filter(|_| features.has("icons")),
        features,
        id: plugin.id,
        name: plugin.name,
    }
}

fn icon(plugin: &Plugin, specimen: &Specimen) -> String {
    // SAFETY: the plugin takes an account without a buddy (libpurple's own front ends call it so) and lends a static text.
    let name = plugin.info.list_icon.and_then(|list_icon| unsafe { borrowed(list_icon(specimen.0, std::ptr::null_mut())) });
    name.unwrap_or_else(|| plugin.id.trim_start_matches("prpl-").to_owned())
}

/// The plugin's limits of an icon; `None` where it takes no format that [`crate::icons`] can read.
fn icon_spec(info: &PurplePluginProtocolInfo) -> Option<IconSpec> {
    let spec = &info.icon_spec;
    // SAFETY: the plugin's own static text, or NULL.
    let formats = crate::icons::formats(&unsafe { borrowed(spec.format) }.unwrap_or_default());
    let side = |side: std::ffi::c_int| u32::try_from(side).unwrap_or_default();
    (!formats.is_empty()).then(|| IconSpec {
        formats,
        min_width: side(spec.min_width),
        min_height: side(spec.min_height),
        max_width: side(spec.max_width),
        max_height: side(spec.max_height),
        max_bytes: spec.max_filesize as u64,
    })
}

/// Whether the plugin was built with this late member of the struct (`PURPLE_PROTOCOL_PLUGIN_HAS_FUNC`).
fn reaches(info: &PurplePluginProtocolInfo, member: usize) -> bool {
    member < offset_of!(PurplePluginProtocolInfo, struct_size) || info.struct_size > member as u64
}

/// What the plugin calls its user names.
fn login_label(info: &PurplePluginProtocolInfo, specimen: &Specimen) -> String {
    let texts = info.get_account_text_table.filter(|_| reaches(info, offset_of!(PurplePluginProtocolInfo, get_account_text_table)));
    let label = texts.and_then(|texts| {
        // SAFETY: a live account; the table is ours, and its texts are copied before it goes.
        unsafe {
            let table = texts(specimen.0);
            if table.is_null() {
                return None;
            }
            let label = borrowed(glib_sys::g_hash_table_lookup(table, c"login_label".as_ptr().cast()).cast::<c_char>());
            glib_sys::g_hash_table_destroy(table);
            label
        }
    });
    without_mnemonic(label.as_deref().unwrap_or("Username")).trim_end_matches([':', '.', '…']).to_owned()
}

fn splits(info: &PurplePluginProtocolInfo) -> Vec<Split> {
    // SAFETY: the plugin's own list of live splits, whose texts it keeps.
    unsafe { list::<PurpleAccountUserSplit>(info.user_splits) }
        .into_iter()
        // SAFETY: one of the live splits above.
        .map(|split| unsafe {
            let separator = purple_sys::purple_account_user_split_get_separator(split) as u8;
            let default = borrowed(purple_sys::purple_account_user_split_get_default_value(split)).unwrap_or_default();
            Split {
                label: without_mnemonic(&borrowed(purple_sys::purple_account_user_split_get_text(split)).unwrap_or_default()),
                default: if names_this_host(&default) { String::new() } else { default },
                separator: char::from(separator).to_string(),
            }
        })
        .collect()
}

/// `shows`: whether users see an option all the same, by its key.
pub(super) fn options(plugin: &Plugin, shows: impl Fn(&str) -> bool) -> Options {
    let mut options = Options { shown: Vec::new(), kept_back: Vec::new(), announced: BTreeMap::new() };
    for (mut option, mut announced) in every_option(plugin.info) {
        let shows = shows(&option.key);
        // The plugin falls back to its own value then, and nobody is told.
        if let Value::Text(start) = &mut option.default
            && option.kind == OptionType::String
            && !shows
            && names_this_host(start)
        {
            start.clear();
            announced = false;
        }
        if announced {
            options.announced.insert(option.key.clone(), option.default.clone());
        }
        if shows || !meaning::is_of_this_machine(&option) {
            options.shown.push(option);
        } else {
            options.kept_back.push(option.key);
        }
    }
    options
}

fn names_this_host(start: &str) -> bool {
    // SAFETY: GLib's own static text.
    let hostname = unsafe { borrowed(glib_sys::g_get_host_name()) };
    hostname.is_some_and(|hostname| meaning::names_the_host(start, &hostname))
}

/// Every option, and whether it has a value that is announced.
fn every_option(info: &PurplePluginProtocolInfo) -> impl Iterator<Item = (ProtocolOption, bool)> {
    // SAFETY: the plugin's own list of live options.
    let options = unsafe { list::<PurpleAccountOption>(info.protocol_options) };
    // SAFETY: one of the live options above.
    options.into_iter().filter_map(|option| unsafe { protocol_option(option) })
}

/// # Safety
/// A live option.
unsafe fn protocol_option(option: *const PurpleAccountOption) -> Option<(ProtocolOption, bool)> {
    // SAFETY: a live option; texts are copied. Each default is asked for by the option's own type.
    unsafe {
        let key = borrowed(purple_sys::purple_account_option_get_setting(option))?;
        let label = without_mnemonic(&borrowed(purple_sys::purple_account_option_get_text(option)).unwrap_or_else(|| key.clone()));
        let mut choices = Vec::new();
        let mut announced = true;
        let (kind, default) = match purple_sys::purple_account_option_get_type(option) {
            PurplePrefType::PURPLE_PREF_BOOLEAN => {
                (OptionType::Bool, Value::Bool(purple_sys::purple_account_option_get_default_bool(option) != GFALSE))
            }
            PurplePrefType::PURPLE_PREF_INT => {
                (OptionType::Int, Value::Int(i64::from(purple_sys::purple_account_option_get_default_int(option))))
            }
            PurplePrefType::PURPLE_PREF_STRING => {
                let default = borrowed(purple_sys::purple_account_option_get_default_string(option));
                announced = default.is_some();
                (OptionType::String, Value::Text(default.unwrap_or_default()))
            }
            PurplePrefType::PURPLE_PREF_STRING_LIST => {
                for pair in list::<PurpleKeyValuePair>(purple_sys::purple_account_option_get_list(option)) {
                    let (label, value) = (borrowed((*pair).key), borrowed((*pair).value.cast::<c_char>()));
                    if let (Some(label), Some(value)) = (label, value) {
                        choices.push(Choice { value, label: without_mnemonic(&label) });
                    }
                }
                let default = borrowed(purple_sys::purple_account_option_get_default_list_value(option));
                (OptionType::Choice, Value::Text(default.or_else(|| choices.first().map(|choice| choice.value.clone()))?))
            }
            _ => return None,
        };
        // libpurple answers this for texts only.
        let masked = kind == OptionType::String
            && (purple_sys::purple_account_option_get_masked(option) != GFALSE || meaning::is_secret(&key, &label));
        Some((ProtocolOption { key, label, kind, default, masked, choices }, announced))
    }
}

/// The form for joining a room. Defaults depend on the connection (server, nick) and are filled in when joining.
fn room_fields(plugin: &Plugin, specimen: &Specimen) -> Vec<RoomField> {
    let (Some(chat_info), Some(_)) = (plugin.info.chat_info, plugin.info.join_chat) else { return Vec::new() };
    // SAFETY: all members are numbers and pointers. The plugin gets a connection that was never opened: of libpurple's own and the known
    // others none looks into it for this form, only for its defaults.
    let mut connection: PurpleConnection = unsafe { std::mem::zeroed() };
    connection.account = specimen.0;
    // SAFETY: the entries are ours to free; their texts stay the plugin's.
    unsafe {
        let entries = chat_info(&raw mut connection);
        let fields = list::<proto_chat_entry>(entries).into_iter().map(|entry| {
            let read = &*entry;
            let key = borrowed(read.identifier).unwrap_or_default();
            let label = without_mnemonic(&borrowed(read.label).unwrap_or_default()).trim_end_matches(':').to_owned();
            let field = RoomField {
                masked: read.secret != GFALSE || read.is_int == GFALSE && meaning::is_secret(&key, &label),
                key,
                label,
                kind: if read.is_int == GFALSE { "string" } else { "int" }.to_owned(),
                required: read.required != GFALSE,
                default: String::new(),
            };
            glib_sys::g_free(entry.cast());
            field
        });
        let fields = fields.collect();
        glib_sys::g_list_free(entries);
        fields
    }
}

fn statuses(specimen: &Specimen) -> Vec<StatusType> {
    // SAFETY: a live account, whose status types libpurple keeps; texts are copied.
    unsafe { list::<PurpleStatusType>(purple_sys::purple_account_get_status_types(specimen.0)) }
        .into_iter()
        // SAFETY: one of the account's live types, as above.
        .filter_map(|kind| unsafe {
            if purple_sys::purple_status_type_is_user_settable(kind) == GFALSE
                || purple_sys::purple_status_type_is_independent(kind) != GFALSE
            {
                return None;
            }
            let attributes = list::<PurpleStatusAttr>(purple_sys::purple_status_type_get_attrs(kind));
            Some(StatusType {
                id: borrowed(purple_sys::purple_status_type_get_id(kind))?,
                name: without_mnemonic(&borrowed(purple_sys::purple_status_type_get_name(kind)).unwrap_or_default()),
                kind: status_kind(purple_sys::purple_status_type_get_primitive(kind))?,
                attributes: attributes
                    .into_iter()
                    .filter_map(|attribute| borrowed(purple_sys::purple_status_attr_get_id(attribute)))
                    .collect(),
            })
        })
        .collect()
}

fn status_kind(primitive: PurpleStatusPrimitive) -> Option<StatusKind> {
    Some(match primitive {
        PurpleStatusPrimitive::PURPLE_STATUS_OFFLINE => StatusKind::Offline,
        PurpleStatusPrimitive::PURPLE_STATUS_AVAILABLE => StatusKind::Available,
        PurpleStatusPrimitive::PURPLE_STATUS_UNAVAILABLE => StatusKind::Unavailable,
        PurpleStatusPrimitive::PURPLE_STATUS_INVISIBLE => StatusKind::Invisible,
        PurpleStatusPrimitive::PURPLE_STATUS_AWAY => StatusKind::Away,
        PurpleStatusPrimitive::PURPLE_STATUS_EXTENDED_AWAY => StatusKind::ExtendedAway,
        _ => return None,
    })
}

/// What the plugin's functions and flags say it can do.
fn features(plugin: &Plugin, statuses: &[StatusType]) -> Features {
    let info = plugin.info;
    let has = |flag: PurpleProtocolOptions| info.options.0 & flag.0 != 0;
    let late = |member: usize, there: bool| there && reaches(info, member);
    // SAFETY: the plugin's own static text, or NULL.
    let icons =
        info.set_buddy_icon.is_some() && unsafe { !info.icon_spec.format.is_null() && !CStr::from_ptr(info.icon_spec.format).is_empty() };
    let rooms = info.join_chat.is_some() && info.chat_info.is_some();
    [
        ("im", info.send_im.is_some()),
        ("rooms", rooms),
        ("room_list", rooms && info.roomlist_get_list.is_some()),
        ("room_topic", rooms && info.set_chat_topic.is_some()),
        ("room_nick", rooms && has(PurpleProtocolOptions::OPT_PROTO_UNIQUE_CHATNAME)),
        ("room_invite", rooms && info.chat_invite.is_some()),
        ("typing", info.send_typing.is_some()),
        ("files", info.send_file.is_some()),
        ("icons", icons),
        ("block", info.add_deny.is_some()),
        ("info", info.get_info.is_some()),
        ("alias", late(offset_of!(PurplePluginProtocolInfo, set_public_alias), info.set_public_alias.is_some())),
        ("attention", info.send_attention.is_some() && info.get_attention_types.is_some()),
        ("password", info.change_passwd.is_some()),
        ("register", info.register_user.is_some()),
        ("invisible", statuses.iter().any(|status| status.kind == StatusKind::Invisible)),
        ("offline_messages", info.offline_message.is_some()),
        ("invite_message", has(PurpleProtocolOptions::OPT_PROTO_INVITE_MESSAGE)),
        ("menu", plugin.has_actions),
    ]
    .into_iter()
    .filter(|(_, able)| *able)
    .map(|(name, _)| name)
    .collect()
}
