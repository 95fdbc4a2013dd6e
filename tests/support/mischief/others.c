/* What a plugin may do to other users of the same process by being careless: questions that name no account, floods, threads of its own.
 * It does so on command, as mischief.c does. */
#include <errno.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <account.h>
#include <blist.h>
#include <connection.h>
#include <eventloop.h>
#include <notify.h>
#include <request.h>
#include "others.h"

/* A question is somebody's only while its connection lives; to be answered after that is what must not happen. */
typedef struct {
    PurpleConnection *gc;
    gchar *who;
} Asked;

static GHashTable *living;
static GThread *loop;
static long declined;

void others_login(PurpleConnection *gc)
{
    if (living == NULL)
        living = g_hash_table_new(NULL, NULL);
    loop = g_thread_self();
    g_hash_table_add(living, gc);
}

void others_close(PurpleConnection *gc)
{
    g_hash_table_remove(living, gc);
}

static Asked *asked_new(PurpleConnection *gc, const char *who)
{
    Asked *asked = g_new0(Asked, 1);
    asked->gc = gc;
    asked->who = g_strdup(who);
    return asked;
}

static Asked *still_there(gpointer data)
{
    Asked *asked = data;
    if (!g_hash_table_contains(living, asked->gc))
        abort();
    return asked;
}

static void on_answer(gpointer data, const char *text)
{
    Asked *asked = still_there(data);
    gchar *told = g_strconcat("answered ", text, NULL);
    says(asked->gc, asked->who, told);
    g_free(told);
    g_free(asked->who);
    g_free(asked);
}

static void on_decline(gpointer data, const char *text)
{
    Asked *asked = still_there(data);
    (void)text;
    declined++;
    g_free(asked->who);
    g_free(asked);
}

static void on_authorized(gpointer data)
{
    on_answer(data, "yes");
}

static void on_denied(gpointer data)
{
    on_decline(data, NULL);
}

/* libpurple itself calls this one when the connection has gone. */
static void on_notice_closed(gpointer data)
{
    Asked *asked = data;
    declined++;
    g_free(asked->who);
    g_free(asked);
}

/* None of these names its account, as plugins that were written for one user do. */
static void ask(PurpleConnection *gc, const char *who)
{
    purple_request_input(gc, "Mischief", "Whose question is this?", NULL, "", FALSE, FALSE, NULL, "_OK", G_CALLBACK(on_answer), "_Cancel",
                         G_CALLBACK(on_decline), NULL, NULL, NULL, asked_new(gc, who));
}

static void tell(PurpleConnection *gc, const char *who)
{
    purple_notify_message(gc, PURPLE_NOTIFY_MSG_INFO, "Mischief", "Whose notice is this?", NULL, on_notice_closed, asked_new(gc, who));
}

static gboolean ask_later(gpointer data)
{
    Asked *asked = still_there(data);
    ask(asked->gc, asked->who);
    tell(asked->gc, asked->who);
    g_free(asked->who);
    g_free(asked);
    return FALSE;
}

/* Keeps the loop busy for some milliseconds of its thread's own time. */
static gboolean burn(gpointer milliseconds)
{
    struct timespec began, now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &began);
    do
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    while ((now.tv_sec - began.tv_sec) * 1000 + (now.tv_nsec - began.tv_nsec) / 1000000 < GPOINTER_TO_INT(milliseconds));
    return FALSE;
}

static gboolean in_the_loop(gpointer data)
{
    Asked *asked = still_there(data);
    says(asked->gc, asked->who, g_thread_self() == loop ? "in the loop" : "in another thread");
    g_free(asked->who);
    g_free(asked);
    return FALSE;
}

static gpointer elsewhere(gpointer data)
{
    g_idle_add(in_the_loop, data);
    return NULL;
}

static void buddies(PurpleConnection *gc, long count, long in_a_group)
{
    for (long i = 0; i < count; i++) {
        gchar *name = g_strdup_printf("buddy%ld", i), *group = g_strdup_printf("group%ld", i / in_a_group);
        PurpleGroup *into = purple_group_new(group);
        purple_blist_add_group(into, NULL);
        purple_blist_add_buddy(purple_buddy_new(purple_connection_get_account(gc), name, NULL), NULL, purple_find_group(group), NULL);
        g_free(name);
        g_free(group);
    }
}

static void authorizations(PurpleConnection *gc, const char *who, long count)
{
    for (long i = 0; i < count; i++) {
        gchar *from = g_strdup_printf("stranger%ld", i);
        purple_account_request_authorization(purple_connection_get_account(gc), from, NULL, NULL, NULL, FALSE, on_authorized, on_denied,
                                             asked_new(gc, who));
        g_free(from);
    }
}

/* Lines without end for whoever reads them, as fast as they go; what is not taken is lost. */
static void shout(long count)
{
    static const char line[] = "all work and no play makes a plugin a dull one, and its log a long one\n";
    for (long i = 0; i < count; i++)
        if (write(STDERR_FILENO, line, sizeof line - 1) < 0)
            continue;
}

static void print(int fd, const char *text)
{
    if (write(fd, text, strlen(text)) < 0)
        return;
}

/* With other users in mind. */
gboolean others_perform(PurpleConnection *gc, const char *who, const char *what, long number)
{
    if (strcmp(what, "ask") == 0)
        for (long i = 0; i < MAX(number, 1); i++)
            ask(gc, who);
    else if (strcmp(what, "tell") == 0)
        for (long i = 0; i < MAX(number, 1); i++)
            tell(gc, who);
    else if (strcmp(what, "later") == 0)
        purple_timeout_add(1, ask_later, asked_new(gc, who));
    else if (strcmp(what, "burn") == 0)
        purple_timeout_add(1, burn, GINT_TO_POINTER((int)number));
    else if (strcmp(what, "authorizations") == 0)
        authorizations(gc, who, number);
    else if (strcmp(what, "declined") == 0) {
        gchar *told = g_strdup_printf("declined %ld", declined);
        says(gc, who, told);
        g_free(told);
    } else if (strcmp(what, "own-thread") == 0)
        g_thread_unref(g_thread_new("foreign", elsewhere, asked_new(gc, who)));
    else if (strcmp(what, "buddies") == 0)
        buddies(gc, number, 100);
    else if (strcmp(what, "groups") == 0)
        buddies(gc, number, 1);
    else if (strcmp(what, "shout") == 0) {
        shout(number);
        says(gc, who, "shouted");
    } else if (strcmp(what, "forge") == 0) {
        print(STDERR_FILENO, "\033[31mred\r[2026-01-01T00:00:00Z ERROR bellflower::fleet] forged\n");
        says(gc, who, "forged");
    } else if (strcmp(what, "last") == 0) {
        print(STDOUT_FILENO, "these are the last words");
        abort();
    } else if (strcmp(what, "truncate") == 0)
        says(gc, who, ftruncate(STDERR_FILENO, 0) == 0 || ftruncate(STDOUT_FILENO, 0) == 0 ? "ok" : g_strerror(errno));
    else if (strcmp(what, "fail") == 0)
        purple_connection_error_reason(gc, PURPLE_CONNECTION_ERROR_AUTHENTICATION_FAILED, "On purpose");
    else
        return FALSE;
    return TRUE;
}
