/* A libpurple protocol that behaves unlike XMPP and IRC, without a network, for tests: joins take their time and each makes a room, rooms end
 * before the account's connection does, people in rooms are called by their accounts' names while the user is known by a name to show, and the
 * network moves buddies to other groups. It must not be installed anywhere. */
#define PURPLE_PLUGINS
#ifndef TIDE_ID
#define TIDE_ID "prpl-tide"
#endif

#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <account.h>
#include <accountopt.h>
#include <blist.h>
#include <connection.h>
#include <conversation.h>
#include <plugin.h>
#include <prpl.h>
#include <server.h>
#include <util.h>
#include <version.h>

/* The one buddy, who is also in every room. */
#define BUDDY "tim"

struct tide {
    PurpleConnection *gc;
    GSList *timers;
    int rooms;
    int joins;
};

struct later {
    struct tide *tide;
    guint timer;
    int room;
    char *text;
};

static void later_free(gpointer data)
{
    struct later *later = data;
    later->tide->timers = g_slist_remove(later->tide->timers, later);
    g_free(later->text);
    g_free(later);
}

/* Calls that after so many milliseconds, unless the connection ends before. */
static void after(struct tide *tide, guint ms, GSourceFunc call, int room, const char *text)
{
    struct later *later = g_new0(struct later, 1);
    later->tide = tide;
    later->room = room;
    later->text = g_strdup(text);
    later->timer = purple_timeout_add(ms, call, later);
    tide->timers = g_slist_prepend(tide->timers, later);
}

static guint delay(PurpleConnection *gc)
{
    return (guint)purple_account_get_int(purple_connection_get_account(gc), "delay", 10);
}

static const char *own_name(PurpleConnection *gc)
{
    return purple_account_get_username(purple_connection_get_account(gc));
}

static void put(PurpleAccount *account, const char *group)
{
    PurpleGroup *into = purple_group_new(group);
    purple_blist_add_buddy(purple_buddy_new(account, BUDDY, NULL), NULL, into, NULL);
    purple_prpl_got_user_status(account, BUDDY, "available", NULL);
}

static gboolean signed_on(gpointer data)
{
    struct later *later = data;
    PurpleConnection *gc = later->tide->gc;
    PurpleAccount *account = purple_connection_get_account(gc);
    later_free(later);
    purple_connection_set_display_name(gc, purple_account_get_string(account, "shown_as", "Somebody"));
    purple_connection_set_state(gc, PURPLE_CONNECTED);
    if (purple_find_buddy(account, BUDDY) == NULL)
        put(account, "First");
    return FALSE;
}

static void tide_login(PurpleAccount *account)
{
    PurpleConnection *gc = purple_account_get_connection(account);
    struct tide *tide = g_new0(struct tide, 1);
    tide->gc = gc;
    gc->proto_data = tide;
    purple_connection_update_progress(gc, "Connecting", 0, 2);
    after(tide, 0, signed_on, 0, NULL);
}

static void tide_close(PurpleConnection *gc)
{
    struct tide *tide = gc->proto_data;
    while (tide->timers != NULL) {
        struct later *later = tide->timers->data;
        purple_timeout_remove(later->timer);
        later_free(later);
    }
    g_free(tide);
    gc->proto_data = NULL;
}

static gboolean let_in(gpointer data)
{
    struct later *later = data;
    struct tide *tide = later->tide;
    PurpleConversation *room = serv_got_joined_chat(tide->gc, ++tide->rooms, later->text);
    PurpleConvChat *chat = purple_conversation_get_chat_data(room);
    gchar *topic = g_strdup_printf("joins: %d", tide->joins);
    purple_conv_chat_add_user(chat, own_name(tide->gc), NULL, PURPLE_CBFLAGS_NONE, FALSE);
    purple_conv_chat_add_user(chat, BUDDY, NULL, PURPLE_CBFLAGS_NONE, FALSE);
    purple_conv_chat_set_topic(chat, BUDDY, topic);
    g_free(topic);
    later_free(later);
    return FALSE;
}

static void tide_join(PurpleConnection *gc, GHashTable *fields)
{
    struct tide *tide = gc->proto_data;
    tide->joins++;
    after(tide, delay(gc), let_in, 0, g_hash_table_lookup(fields, "room"));
}

static gboolean say(gpointer data)
{
    struct later *later = data;
    PurpleConnection *gc = later->tide->gc;
    if (g_str_has_prefix(later->text, "as tim: "))
        serv_got_chat_in(gc, later->room, BUDDY, PURPLE_MESSAGE_RECV, later->text + 8, time(NULL));
    else
        serv_got_chat_in(gc, later->room, own_name(gc), PURPLE_MESSAGE_RECV, later->text, time(NULL));
    later_free(later);
    return FALSE;
}

static gboolean go_out(gpointer data)
{
    struct later *later = data;
    PurpleConnection *gc = later->tide->gc;
    later_free(later);
    purple_connection_error_reason(gc, PURPLE_CONNECTION_ERROR_NETWORK_ERROR, "The tide went out");
    return FALSE;
}

static int tide_chat_send(PurpleConnection *gc, int room, const char *text, PurpleMessageFlags flags)
{
    struct tide *tide = gc->proto_data;
    (void)flags;
    if (strcmp(text, "go out") == 0) {
        serv_got_chat_left(gc, room);
        after(tide, delay(gc), go_out, 0, NULL);
    } else
        after(tide, delay(gc), say, room, text);
    return 1;
}

/* "to GROUP" moves the buddy as a network does: out of one, into the other. Everything else comes back. */
static int tide_send_im(PurpleConnection *gc, const char *who, const char *text, PurpleMessageFlags flags)
{
    PurpleAccount *account = purple_connection_get_account(gc);
    (void)flags;
    if (g_str_has_prefix(text, "to ")) {
        purple_blist_remove_buddy(purple_find_buddy(account, BUDDY));
        put(account, text + 3);
    } else
        serv_got_im(gc, who, text, PURPLE_MESSAGE_RECV, time(NULL));
    return 1;
}

static GList *tide_fields(PurpleConnection *gc)
{
    struct proto_chat_entry *field = g_new0(struct proto_chat_entry, 1);
    (void)gc;
    field->label = "Room";
    field->identifier = "room";
    field->required = TRUE;
    return g_list_append(NULL, field);
}

static GHashTable *tide_defaults(PurpleConnection *gc, const char *name)
{
    GHashTable *fields = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
    (void)gc;
    if (name != NULL)
        g_hash_table_insert(fields, "room", g_strdup(name));
    return fields;
}

static char *tide_room_name(GHashTable *fields)
{
    return g_strdup(g_hash_table_lookup(fields, "room"));
}

static void tide_group_buddy(PurpleConnection *gc, const char *who, const char *from, const char *to)
{
    (void)gc, (void)who, (void)from, (void)to;
}

static const char *tide_icon(PurpleAccount *account, PurpleBuddy *buddy)
{
    (void)account, (void)buddy;
    return "tide";
}

static GList *tide_statuses(PurpleAccount *account)
{
    GList *types = NULL;
    (void)account;
    types = g_list_append(types, purple_status_type_new(PURPLE_STATUS_AVAILABLE, "available", NULL, TRUE));
    types = g_list_append(types, purple_status_type_new(PURPLE_STATUS_OFFLINE, "offline", NULL, TRUE));
    return types;
}

static PurplePluginProtocolInfo protocol = {
    .options = OPT_PROTO_NO_PASSWORD,
    .list_icon = tide_icon,
    .status_types = tide_statuses,
    .chat_info = tide_fields,
    .chat_info_defaults = tide_defaults,
    .login = tide_login,
    .close = tide_close,
    .send_im = tide_send_im,
    .join_chat = tide_join,
    .get_chat_name = tide_room_name,
    .chat_send = tide_chat_send,
    .group_buddy = tide_group_buddy,
    .struct_size = sizeof(PurplePluginProtocolInfo),
};

static PurplePluginInfo info = {
    .magic = PURPLE_PLUGIN_MAGIC,
    .major_version = PURPLE_MAJOR_VERSION,
    .minor_version = PURPLE_MINOR_VERSION,
    .type = PURPLE_PLUGIN_PROTOCOL,
    .priority = PURPLE_PRIORITY_DEFAULT,
    .id = TIDE_ID,
    .name = "Tide",
    .version = "1",
    .summary = "Behaves unlike XMPP",
    .description = "Behaves unlike XMPP",
    .author = "Bellflower",
    .homepage = "",
    .extra_info = &protocol,
};

static void init_plugin(PurplePlugin *plugin)
{
    (void)plugin;
#ifdef TIDE_NOSY
    /* What it tries while it is opened, and does without. */
    char *text = NULL;
    if (g_file_get_contents("/etc/shadow", &text, NULL, NULL))
        g_free(text);
    if (fork() == 0)
        _exit(0);
#endif
    protocol.protocol_options =
        g_list_append(protocol.protocol_options, purple_account_option_int_new("Delay (ms)", "delay", 10));
    protocol.protocol_options =
        g_list_append(protocol.protocol_options, purple_account_option_string_new("Shown as", "shown_as", "Somebody"));
    /* What names things of the machine, as plugins in the field have it, and a secret that is not marked. */
    static const char *const texts[][3] = {
        { "Remote desktop client", "rdp_client", "" },
        { "Attachments", "external-attachments-dir", "" },
        { "Daemon's socket", "socket", "/run/tide/socket" },
        { "Access token", "access_token", "" },
    };
    for (gsize n = 0; n < G_N_ELEMENTS(texts); n++)
        protocol.protocol_options = g_list_append(
            protocol.protocol_options, purple_account_option_string_new(texts[n][0], texts[n][1], texts[n][2]));
    protocol.protocol_options =
        g_list_append(protocol.protocol_options, purple_account_option_string_new("Server", "server", g_get_host_name()));
}

PURPLE_INIT_PLUGIN(tide, init_plugin, info)
