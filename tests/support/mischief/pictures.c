/* Pictures that a plugin puts into messages: numbered ones of the process's store, and custom smileys. It does so on command, as mischief.c does. */
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <account.h>
#include <connection.h>
#include <conversation.h>
#include <imgstore.h>
#include <server.h>
#include "others.h"

/* 16 by 16 points of one colour. */
static const guint8 png[] = {
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00, 0x00, 0x00, 0x10,
    0x00, 0x00, 0x00, 0x10, 0x08, 0x02, 0x00, 0x00, 0x00, 0x90, 0x91, 0x68, 0x36, 0x00, 0x00, 0x00, 0x16, 0x49, 0x44, 0x41,
    0x54, 0x78, 0xda, 0x63, 0x38, 0xa0, 0x90, 0x40, 0x12, 0x62, 0x18, 0xd5, 0x30, 0xaa, 0x61, 0xf8, 0x6a, 0x00, 0x00, 0x7f,
    0xc6, 0x40, 0x10, 0xd6, 0x92, 0x2d, 0xd8, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
};

/* The picture, and bytes behind it that nobody reads. */
static guint8 *make(gsize more, gsize *size)
{
    guint8 *bytes = g_malloc0(sizeof png + more);
    memcpy(bytes, png, sizeof png);
    *size = sizeof png + more;
    return bytes;
}

static void shows(PurpleConnection *gc, const char *who, int id, PurpleMessageFlags flags)
{
    gchar *html = g_strdup_printf("<b>look</b> <IMG ID=\"%d\" alt=\"a cat\">", id);
    serv_got_im(gc, who, html, PURPLE_MESSAGE_RECV | flags, time(NULL));
    g_free(html);
}

static int store(gsize more)
{
    gsize size;
    guint8 *bytes = make(more, &size);
    return purple_imgstore_add_with_id(bytes, size, "cat.png");
}

static PurpleConversation *talk(PurpleConnection *gc, const char *who)
{
    return purple_find_conversation_with_account(PURPLE_CONV_TYPE_IM, who, purple_connection_get_account(gc));
}

/* For whom a smiley is fetched; it is not asked whether that conversation is still there when it comes. */
static PurpleConversation *waiting;

static void give(PurpleConversation *to, gsize more)
{
    gsize size;
    guint8 *bytes = make(more, &size);
    /* In two pieces, as it comes from a network. */
    purple_conv_custom_smiley_write(to, ":cat:", bytes, 20);
    purple_conv_custom_smiley_write(to, ":cat:", bytes + 20, size - 20);
    purple_conv_custom_smiley_close(to, ":cat:");
    g_free(bytes);
}

static void smiley(PurpleConnection *gc, const char *who, gboolean at_once)
{
    PurpleConversation *to = talk(gc, who);
    gboolean wanted = purple_conv_custom_smiley_add(to, ":cat:", "number", "1", TRUE);
    if (wanted && at_once)
        give(to, 0);
    waiting = to;
    serv_got_im(gc, who, "a :cat: &amp; no dog", PURPLE_MESSAGE_RECV, time(NULL));
}

gboolean pictures_perform(PurpleConnection *gc, const char *who, const char *what, long number)
{
    if (strcmp(what, "picture") == 0)
        shows(gc, who, store((gsize)number), PURPLE_MESSAGE_IMAGES);
    else if (strcmp(what, "brief-picture") == 0) {
        int id = store((gsize)number);
        shows(gc, who, id, PURPLE_MESSAGE_IMAGES);
        purple_imgstore_unref_by_id(id);
    } else if (strcmp(what, "unsaid-picture") == 0)
        shows(gc, who, store((gsize)number), 0);
    else if (strcmp(what, "no-picture") == 0)
        shows(gc, who, purple_imgstore_add_with_id(g_strdup("<svg xmlns='http://www.w3.org/2000/svg'/>"), 41, NULL), PURPLE_MESSAGE_IMAGES);
    else if (strcmp(what, "show-number") == 0)
        shows(gc, who, (int)number, PURPLE_MESSAGE_IMAGES);
    else if (strcmp(what, "smiley") == 0)
        smiley(gc, who, TRUE);
    else if (strcmp(what, "late-smiley") == 0)
        smiley(gc, who, FALSE);
    else if (strcmp(what, "give-smiley") == 0)
        give(waiting, (gsize)number);
    else
        return FALSE;
    return TRUE;
}
