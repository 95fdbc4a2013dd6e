/* Parrot: signs on, echoes instant messages, describes itself. Rooms, the form and files are in files of their own. */
#include "parrot.h"

#include <string.h>

#include <accountopt.h>
#include <notify.h>
#include <status.h>

/* An answer that waits for the loop. */
typedef struct {
    int room;
    char *who;
    char *html;
} Answer;

static void answer_free(gpointer data)
{
    Answer *answer = data;
    g_free(answer->who);
    g_free(answer->html);
    g_free(answer);
}

static void phrase_free(gpointer data)
{
    ParrotPhrase *phrase = data;
    g_free(phrase->said);
    g_free(phrase);
}

Parrot *parrot_of(PurpleConnection *gc)
{
    return purple_connection_get_protocol_data(gc);
}

char *parrot_answer(Parrot *parrot, const char *html, gboolean in_room)
{
    char *text = purple_markup_strip_html(html);
    ParrotPhrase *phrase = g_hash_table_lookup(parrot->phrases, text);
    g_free(text);
    if (phrase != NULL && (phrase->in_rooms || !in_room))
        return g_markup_escape_text(phrase->said, -1);
    return g_strdup(html);
}

/* libpurple may end the connection while it takes a message, so nothing of the parrot is used after the last one was taken off the queue. */
static gboolean give_answers(gpointer data)
{
    Parrot *parrot = data;
    PurpleConnection *gc = parrot->gc;
    Answer *answer = g_queue_pop_head(parrot->answers);
    gboolean more = !g_queue_is_empty(parrot->answers);

    if (!more)
        parrot->timer = 0;
    if (answer->room != 0)
        serv_got_chat_in(gc, answer->room, answer->who, PURPLE_MESSAGE_RECV, answer->html, time(NULL));
    else
        serv_got_im(gc, answer->who, answer->html, PURPLE_MESSAGE_RECV, time(NULL));
    answer_free(answer);
    return more;
}

void parrot_say_later(Parrot *parrot, int room, const char *who, const char *html)
{
    Answer *answer = g_new0(Answer, 1);
    answer->room = room;
    answer->who = g_strdup(who);
    answer->html = g_strdup(html);
    g_queue_push_tail(parrot->answers, answer);
    if (parrot->timer == 0)
        parrot->timer = purple_timeout_add(0, give_answers, parrot);
}

/* An answer from here would come before libpurple has written down what was sent. */
static int send_im(PurpleConnection *gc, const char *who, const char *html, PurpleMessageFlags flags)
{
    Parrot *parrot = parrot_of(gc);
    char *answer = parrot_answer(parrot, html, FALSE);
    (void)flags;
    parrot_say_later(parrot, 0, who, answer);
    g_free(answer);
    return 1;
}

/* A real protocol connects to a server here, by purple_proxy_connect or purple_ssl_connect, and says how far it is. */
static gboolean signed_on(gpointer data)
{
    Parrot *parrot = data;
    PurpleAccount *account = purple_connection_get_account(parrot->gc);
    const char *greeting = purple_account_get_string(account, "greeting", "");

    parrot->timer = 0;
    purple_connection_set_state(parrot->gc, PURPLE_CONNECTED);
    if (*greeting != '\0') {
        char *html = g_markup_escape_text(greeting, -1);
        parrot_say_later(parrot, 0, PARROT_NAME, html);
        g_free(html);
    }
    return FALSE;
}

static void sign_on(PurpleAccount *account)
{
    PurpleConnection *gc = purple_account_get_connection(account);
    Parrot *parrot = g_new0(Parrot, 1);

    parrot->gc = gc;
    parrot->phrases = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, phrase_free);
    parrot->answers = g_queue_new();
    parrot->next_room = 1;
    purple_connection_set_protocol_data(gc, parrot);
    purple_connection_update_progress(gc, "Waking up", 0, 2);
    parrot->timer = purple_timeout_add(0, signed_on, parrot);
}

/* Called at any stage of a sign-on, and exactly once. Whatever may call back has to be ended here. */
static void sign_off(PurpleConnection *gc)
{
    Parrot *parrot = parrot_of(gc);

    if (parrot == NULL)
        return;
    if (parrot->timer != 0)
        purple_timeout_remove(parrot->timer);
    if (parrot->rooms != NULL)
        purple_roomlist_unref(parrot->rooms);
    g_queue_free_full(parrot->answers, answer_free);
    g_hash_table_destroy(parrot->phrases);
    purple_connection_set_protocol_data(gc, NULL);
    g_free(parrot);
}

static void add_buddy(PurpleConnection *gc, PurpleBuddy *buddy, PurpleGroup *group)
{
    (void)group;
    purple_prpl_got_user_status(purple_connection_get_account(gc), purple_buddy_get_name(buddy), "available", NULL);
}

static void remove_buddy(PurpleConnection *gc, PurpleBuddy *buddy, PurpleGroup *group)
{
    (void)gc;
    (void)buddy;
    (void)group;
}

static void get_info(PurpleConnection *gc, const char *who)
{
    PurpleNotifyUserInfo *info = purple_notify_user_info_new();
    char *phrases = g_strdup_printf("%u", g_hash_table_size(parrot_of(gc)->phrases));

    purple_notify_user_info_add_pair(info, "Species", "Psittacus erithacus");
    purple_notify_user_info_add_pair(info, "Phrases", phrases);
    purple_notify_userinfo(gc, who, info, NULL, NULL);
    purple_notify_user_info_destroy(info);
    g_free(phrases);
}

static const char *list_icon(PurpleAccount *account, PurpleBuddy *buddy)
{
    (void)account;
    (void)buddy;
    return "parrot";
}

static void set_status(PurpleAccount *account, PurpleStatus *status)
{
    (void)account;
    (void)status;
}

static GList *status_types(PurpleAccount *account)
{
    GList *types = NULL;
    (void)account;
    types = g_list_append(types, purple_status_type_new_with_attrs(PURPLE_STATUS_AVAILABLE, "available", NULL, TRUE, TRUE, FALSE, "message",
                                                                   "Message", purple_value_new(PURPLE_TYPE_STRING), NULL));
    types = g_list_append(types, purple_status_type_new_with_attrs(PURPLE_STATUS_AWAY, "asleep", "Asleep", TRUE, TRUE, FALSE, "message",
                                                                   "Message", purple_value_new(PURPLE_TYPE_STRING), NULL));
    types = g_list_append(types, purple_status_type_new(PURPLE_STATUS_OFFLINE, "offline", NULL, TRUE));
    return types;
}

static PurplePluginProtocolInfo protocol = {
    .options = OPT_PROTO_NO_PASSWORD | OPT_PROTO_CHAT_TOPIC,
    .list_icon = list_icon,
    .status_types = status_types,
    .login = sign_on,
    .close = sign_off,
    .send_im = send_im,
    .set_status = set_status,
    .add_buddy = add_buddy,
    .remove_buddy = remove_buddy,
    .get_info = get_info,
    .chat_info = parrot_room_fields,
    .chat_info_defaults = parrot_room_defaults,
    .get_chat_name = parrot_room_name,
    .join_chat = parrot_join_room,
    .chat_leave = parrot_leave_room,
    .chat_send = parrot_say_in_room,
    .set_chat_topic = parrot_set_topic,
    .roomlist_get_list = parrot_list_rooms,
    .can_receive_file = parrot_takes_files,
    .new_xfer = parrot_new_file,
    .send_file = parrot_send_file,
    .struct_size = sizeof(PurplePluginProtocolInfo),
};

static PurplePluginInfo info = {
    .magic = PURPLE_PLUGIN_MAGIC,
    .major_version = PURPLE_MAJOR_VERSION,
    .minor_version = PURPLE_MINOR_VERSION,
    .type = PURPLE_PLUGIN_PROTOCOL,
    .priority = PURPLE_PRIORITY_DEFAULT,
    .id = "prpl-parrot",
    .name = "Parrot",
    .version = "1.0",
    .summary = "Says what it hears",
    .description = "A protocol without a network, to learn from.",
    .author = "Bellflower",
    .homepage = "https://bellflower.example/",
    .extra_info = &protocol,
    .actions = parrot_actions,
};

/* The options of the account: Bellflower makes its form from them. */
static void init_plugin(PurplePlugin *plugin)
{
    (void)plugin;
    protocol.protocol_options =
        g_list_append(protocol.protocol_options, purple_account_option_string_new("Greeting", "greeting", ""));
}

PURPLE_INIT_PLUGIN(parrot, init_plugin, info)
