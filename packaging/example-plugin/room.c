/* Parrot's rooms: any name is a room, in which the user and the parrot are. Keeps nothing of a room that libpurple does not keep. */
#include "parrot.h"

#include <string.h>

#define FIELD "room"

/* Rooms of the list: name and topic. */
static const char *const LISTED[][2] = { { "cage", "Crackers" }, { "jungle", "Crackers, and where they grow" } };

GList *parrot_room_fields(PurpleConnection *gc)
{
    struct proto_chat_entry *entry = g_new0(struct proto_chat_entry, 1);
    (void)gc;
    entry->label = "_Room:";
    entry->identifier = FIELD;
    entry->required = TRUE;
    return g_list_append(NULL, entry);
}

GHashTable *parrot_room_defaults(PurpleConnection *gc, const char *name)
{
    GHashTable *fields = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
    (void)gc;
    g_hash_table_insert(fields, FIELD, g_strdup(name != NULL ? name : LISTED[0][0]));
    return fields;
}

char *parrot_room_name(GHashTable *fields)
{
    return g_strdup(g_hash_table_lookup(fields, FIELD));
}

static const char *listed_topic(const char *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(LISTED); i++)
        if (strcmp(LISTED[i][0], name) == 0)
            return LISTED[i][1];
    return NULL;
}

void parrot_join_room(PurpleConnection *gc, GHashTable *fields)
{
    PurpleAccount *account = purple_connection_get_account(gc);
    const char *name = g_hash_table_lookup(fields, FIELD);
    PurpleConversation *room;

    if (name == NULL || *name == '\0') {
        purple_serv_got_join_chat_failed(gc, fields);
        return;
    }
    room = purple_find_conversation_with_account(PURPLE_CONV_TYPE_CHAT, name, account);
    if (room != NULL && !purple_conv_chat_has_left(PURPLE_CONV_CHAT(room)))
        return;
    room = serv_got_joined_chat(gc, parrot_of(gc)->next_room++, name);
    purple_conv_chat_set_nick(PURPLE_CONV_CHAT(room), purple_account_get_username(account));
    purple_conv_chat_set_topic(PURPLE_CONV_CHAT(room), NULL, listed_topic(name));
    purple_conv_chat_add_user(PURPLE_CONV_CHAT(room), purple_account_get_username(account), NULL, PURPLE_CBFLAGS_NONE, FALSE);
    purple_conv_chat_add_user(PURPLE_CONV_CHAT(room), PARROT_NAME, NULL, PURPLE_CBFLAGS_OP, FALSE);
}

void parrot_leave_room(PurpleConnection *gc, int room)
{
    serv_got_chat_left(gc, room);
}

/* libpurple shows in a room what the protocol says was said there, one's own words, too. */
int parrot_say_in_room(PurpleConnection *gc, int room, const char *html, PurpleMessageFlags flags)
{
    Parrot *parrot = parrot_of(gc);
    char *answer = parrot_answer(parrot, html, TRUE);

    serv_got_chat_in(gc, room, purple_account_get_username(purple_connection_get_account(gc)), flags, html, time(NULL));
    parrot_say_later(parrot, room, PARROT_NAME, answer);
    g_free(answer);
    return 0;
}

void parrot_set_topic(PurpleConnection *gc, int room, const char *topic)
{
    PurpleConversation *conversation = purple_find_chat(gc, room);
    if (conversation != NULL)
        purple_conv_chat_set_topic(PURPLE_CONV_CHAT(conversation), purple_account_get_username(purple_connection_get_account(gc)), topic);
}

PurpleRoomlist *parrot_list_rooms(PurpleConnection *gc)
{
    Parrot *parrot = parrot_of(gc);
    PurpleRoomlist *list = purple_roomlist_new(purple_connection_get_account(gc));
    GList *fields = NULL;

    /* The new list's one reference is the plugin's: it goes with the next list, or with the connection. */
    if (parrot->rooms != NULL)
        purple_roomlist_unref(parrot->rooms);
    parrot->rooms = list;
    fields = g_list_append(fields, purple_roomlist_field_new(PURPLE_ROOMLIST_FIELD_STRING, "", FIELD, TRUE));
    fields = g_list_append(fields, purple_roomlist_field_new(PURPLE_ROOMLIST_FIELD_STRING, "Topic", "topic", FALSE));
    purple_roomlist_set_fields(list, fields);
    purple_roomlist_set_in_progress(list, TRUE);
    for (gsize i = 0; i < G_N_ELEMENTS(LISTED); i++) {
        PurpleRoomlistRoom *room = purple_roomlist_room_new(PURPLE_ROOMLIST_ROOMTYPE_ROOM, LISTED[i][0], NULL);
        purple_roomlist_room_add_field(list, room, LISTED[i][0]);
        purple_roomlist_room_add_field(list, room, LISTED[i][1]);
        purple_roomlist_room_add(list, room);
    }
    purple_roomlist_set_in_progress(list, FALSE);
    return list;
}
