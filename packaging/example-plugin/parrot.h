/* Parrot, a protocol plugin to learn from: what the files of the plugin share. Has no network code. */
#ifndef PARROT_H
#define PARROT_H

#define PURPLE_PLUGINS

#include <glib.h>

#include <account.h>
#include <connection.h>
#include <conversation.h>
#include <eventloop.h>
#include <ft.h>
#include <plugin.h>
#include <prpl.h>
#include <request.h>
#include <roomlist.h>
#include <server.h>
#include <util.h>
#include <version.h>

/* Who answers in rooms and gives files back. */
#define PARROT_NAME "polly"

/* A phrase that was taught. */
typedef struct {
    char *said;
    gboolean in_rooms;
} ParrotPhrase;

/* What one signed-on account has; gc->proto_data points to it. Several accounts run at once in one process: no state is global. */
typedef struct {
    PurpleConnection *gc;
    /* Heard text -> ParrotPhrase. */
    GHashTable *phrases;
    /* Answers that wait for the loop, and the timer that gives them; 0 while none waits. */
    GQueue *answers;
    guint timer;
    /* The number of the next room, and the last list of rooms. */
    int next_room;
    PurpleRoomlist *rooms;
} Parrot;

/* The data of a connection. */
Parrot *parrot_of(PurpleConnection *gc);

/* What the parrot answers, to be freed with g_free. The text is HTML. */
char *parrot_answer(Parrot *parrot, const char *html, gboolean in_room);

/* Answers from the loop, after the current call: room is the number of a room, or 0 for an instant message of `who`. */
void parrot_say_later(Parrot *parrot, int room, const char *who, const char *html);

/* form.c: the entries of the account's menu. */
GList *parrot_actions(PurplePlugin *plugin, gpointer gc);

/* room.c */
GList *parrot_room_fields(PurpleConnection *gc);
GHashTable *parrot_room_defaults(PurpleConnection *gc, const char *name);
char *parrot_room_name(GHashTable *fields);
void parrot_join_room(PurpleConnection *gc, GHashTable *fields);
void parrot_leave_room(PurpleConnection *gc, int room);
int parrot_say_in_room(PurpleConnection *gc, int room, const char *html, PurpleMessageFlags flags);
void parrot_set_topic(PurpleConnection *gc, int room, const char *topic);
PurpleRoomlist *parrot_list_rooms(PurpleConnection *gc);

/* file.c */
gboolean parrot_takes_files(PurpleConnection *gc, const char *who);
PurpleXfer *parrot_new_file(PurpleConnection *gc, const char *who);
void parrot_send_file(PurpleConnection *gc, const char *who, const char *path);

#endif
