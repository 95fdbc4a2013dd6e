/* A libpurple protocol without a network that does harm on command, for the tests of the fleet: a message to anyone is a command, what it
 * says comes back as messages from that person. It must not be installed anywhere. */
#define _GNU_SOURCE
#define PURPLE_PLUGINS
#include <fcntl.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <account.h>
#include <accountopt.h>
#include <connection.h>
#include <conversation.h>
#include <eventloop.h>
#include <plugin.h>
#include <prpl.h>
#include <roomlist.h>
#include <server.h>
#include <util.h>
#include <version.h>
#include "others.h"

extern char **environ;

void says(PurpleConnection *gc, const char *who, const char *text)
{
    gchar *escaped = g_markup_escape_text(text, -1);
    serv_got_im(gc, who, escaped, PURPLE_MESSAGE_RECV, time(NULL));
    g_free(escaped);
}

/* Memory that is really there. */
static void leak(long mib)
{
    for (long i = 0; i < mib; i++) {
        char *piece = malloc(1 << 20);
        if (piece != NULL)
            memset(piece, (int)i | 1, 1 << 20);
    }
}

static void flood(PurpleConnection *gc, const char *who, long count)
{
    char text[32];
    for (long i = 0; i < count; i++) {
        g_snprintf(text, sizeof text, "flood %ld", i);
        serv_got_im(gc, who, text, PURPLE_MESSAGE_RECV, time(NULL));
    }
}

/* So many files of one MiB each in the worker's own directory. */
static void fill(long count)
{
    char *bytes = calloc(1, 1 << 20);
    for (long i = 0; bytes != NULL && i < count; i++) {
        char path[4096];
        int fd;
        g_snprintf(path, sizeof path, "%s/fill-%ld", g_getenv("HOME"), i);
        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0 || write(fd, bytes, 1 << 20) < 0)
            i = count;
        if (fd >= 0)
            close(fd);
    }
    free(bytes);
}

/* Every descriptor but the first three. */
static void close_all(void)
{
    for (int fd = 3; fd < 4096; fd++)
        close(fd);
}

static void scribble(void)
{
    static const char garbage[] = "\xff\xff\xff\x7f this is no frame at all, and it goes on for a while";
    struct stat about;
    for (int fd = 3; fd < 4096; fd++)
        if (fstat(fd, &about) == 0 && S_ISSOCK(about.st_mode))
            if (write(fd, garbage, sizeof garbage) < 0)
                continue;
}

static gboolean perform(PurpleConnection *gc, const char *who, const char *text)
{
    gchar **words = g_strsplit(text, " ", 9);
    const char *what = words[0] ? words[0] : "";
    const char *first = words[0] && words[1] ? words[1] : "";
    long number = strtol(first, NULL, 10);
    gboolean known = TRUE;

    if (strcmp(what, "segfault") == 0)
        *(volatile int *)8 = 1;
    else if (strcmp(what, "abort") == 0)
        abort();
    else if (strcmp(what, "loop") == 0)
        for (;;)
            __asm__ volatile("");
    else if (strcmp(what, "sleep") == 0)
        g_usleep((gulong)number * 1000);
    else if (strcmp(what, "leak") == 0)
        leak(number);
    else if (strcmp(what, "fill") == 0)
        fill(number);
    else if (strcmp(what, "exit") == 0)
        exit((int)number);
    else if (strcmp(what, "flood") == 0)
        flood(gc, who, number);
    else if (strcmp(what, "close") == 0)
        close_all();
    else if (strcmp(what, "garbage") == 0)
        scribble();
    else if (strcmp(what, "pid") == 0) {
        char own[32];
        g_snprintf(own, sizeof own, "%ld", (long)getpid());
        says(gc, who, own);
    } else if (strcmp(what, "environment") == 0) {
        gchar *all = g_strjoinv(" ", environ);
        says(gc, who, all);
        g_free(all);
    } else
        known = reach_perform(gc, who, text, words) || others_perform(gc, who, what, number)
            || pictures_perform(gc, who, what, number);
    g_strfreev(words);
    return known;
}

static int mischief_send_im(PurpleConnection *gc, const char *who, const char *html, PurpleMessageFlags flags)
{
    char *text = purple_markup_strip_html(html);
    (void)flags;
    if (g_str_has_prefix(text, "html"))
        says(gc, who, html);
    else if (!perform(gc, who, text))
        says(gc, who, text);
    g_free(text);
    return 1;
}

static gboolean signed_on(gpointer data)
{
    PurpleConnection *gc = data;
    const char *first = purple_account_get_string(purple_connection_get_account(gc), "at_sign_on", "");
    gc->proto_data = NULL;
    if (g_str_has_prefix(first, "hang")) {
        perform(gc, "sign-on", first + (first[4] == ' ' ? 5 : 4));
        return FALSE;
    }
    if (*first != '\0')
        perform(gc, "sign-on", first);
    purple_connection_set_state(gc, PURPLE_CONNECTED);
    return FALSE;
}

static void mischief_login(PurpleAccount *account)
{
    PurpleConnection *gc = purple_account_get_connection(account);
    others_login(gc);
    purple_connection_update_progress(gc, "Connecting", 0, 2);
    gc->proto_data = GUINT_TO_POINTER(purple_timeout_add(0, signed_on, gc));
}

static void mischief_close(PurpleConnection *gc)
{
    if (gc->proto_data != NULL)
        purple_timeout_remove(GPOINTER_TO_UINT(gc->proto_data));
    gc->proto_data = NULL;
    others_close(gc);
}

static const char *mischief_list_icon(PurpleAccount *account, PurpleBuddy *buddy)
{
    (void)account;
    (void)buddy;
    return "mischief";
}

static GList *mischief_status_types(PurpleAccount *account)
{
    GList *types = NULL;
    (void)account;
    types = g_list_append(types, purple_status_type_new(PURPLE_STATUS_AVAILABLE, "available", NULL, TRUE));
    types = g_list_append(types, purple_status_type_new(PURPLE_STATUS_AWAY, "away", NULL, TRUE));
    types = g_list_append(types, purple_status_type_new(PURPLE_STATUS_OFFLINE, "offline", NULL, TRUE));
    return types;
}

/* It says that it has rooms, since only such a protocol is asked for a list of them; nobody gets into one. */
static GList *mischief_room_fields(PurpleConnection *gc)
{
    (void)gc;
    return NULL;
}

static void mischief_join_room(PurpleConnection *gc, GHashTable *fields)
{
    (void)gc;
    (void)fields;
}

/* A list of rooms that never ends, with one of them. */
static PurpleRoomlist *mischief_list_rooms(PurpleConnection *gc)
{
    PurpleRoomlist *list = purple_roomlist_new(purple_connection_get_account(gc));
    purple_roomlist_set_fields(list, NULL);
    purple_roomlist_set_in_progress(list, TRUE);
    purple_roomlist_room_add(list, purple_roomlist_room_new(PURPLE_ROOMLIST_ROOMTYPE_ROOM, "den", NULL));
    return list;
}

static PurplePluginProtocolInfo protocol = {
    .options = OPT_PROTO_NO_PASSWORD,
    .list_icon = mischief_list_icon,
    .status_types = mischief_status_types,
    .login = mischief_login,
    .close = mischief_close,
    .send_im = mischief_send_im,
    .chat_info = mischief_room_fields,
    .join_chat = mischief_join_room,
    .roomlist_get_list = mischief_list_rooms,
    .struct_size = sizeof(PurplePluginProtocolInfo),
};

static PurplePluginInfo info = {
    .magic = PURPLE_PLUGIN_MAGIC,
    .major_version = PURPLE_MAJOR_VERSION,
    .minor_version = PURPLE_MINOR_VERSION,
    .type = PURPLE_PLUGIN_PROTOCOL,
    .priority = PURPLE_PRIORITY_DEFAULT,
    .id = "prpl-mischief",
    .name = "Mischief",
    .version = "1",
    .summary = "Does harm on command",
    .description = "Does harm on command",
    .author = "Bellflower",
    .homepage = "",
    .extra_info = &protocol,
};

static void init_plugin(PurplePlugin *plugin)
{
    PurpleAccountOption *first = purple_account_option_string_new("At sign-on", "at_sign_on", "");
    /* Nothing connects to it: it is what a crash is held against. */
    PurpleAccountOption *server = purple_account_option_string_new("Server", "server", "");
    (void)plugin;
    protocol.protocol_options = g_list_append(protocol.protocol_options, first);
    protocol.protocol_options = g_list_append(protocol.protocol_options, server);
}

PURPLE_INIT_PLUGIN(mischief, init_plugin, info)
