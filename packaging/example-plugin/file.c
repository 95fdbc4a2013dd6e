/* Parrot's files: takes a file of at most 1 MiB and offers it back. No socket carries the bytes (purple_xfer_start with descriptor -1), so this
 * file says when it is ready for more; the front end says the same of its side, and libpurple moves bytes when both are. */
#include "parrot.h"

#include <string.h>

#define MOST (1024 * 1024)
#define PIECE 4096

/* What a transfer has; xfer->data points to it. */
typedef struct {
    GByteArray *bytes;
    gsize given;
    guint timer;
} Load;

static PurpleXfer *new_transfer(PurpleConnection *gc, PurpleXferType type, const char *who, GByteArray *bytes);

static gboolean ready(gpointer data)
{
    PurpleXfer *xfer = data;
    ((Load *)xfer->data)->timer = 0;
    if (purple_xfer_get_size(xfer) == 0) {
        /* libpurple moves no bytes of an empty file, and would wait for ever. */
        purple_xfer_set_completed(xfer, TRUE);
        purple_xfer_end(xfer);
    } else {
        /* May end the transfer and free it. */
        purple_xfer_prpl_ready(xfer);
    }
    return FALSE;
}

static void ready_later(PurpleXfer *xfer)
{
    Load *load = xfer->data;
    if (load->timer == 0)
        load->timer = purple_timeout_add(0, ready, xfer);
}

/* Both sides agreed. */
static void begin(PurpleXfer *xfer)
{
    purple_xfer_start(xfer, -1, NULL, 0);
}

/* A real protocol writes to its server; what it returns is how much was taken. */
static gssize take(const guchar *buffer, size_t size, PurpleXfer *xfer)
{
    Load *load = xfer->data;
    if (load->bytes->len + size > MOST)
        return -1;
    g_byte_array_append(load->bytes, buffer, size);
    if (load->bytes->len >= purple_xfer_get_size(xfer))
        purple_xfer_set_completed(xfer, TRUE);
    else
        ready_later(xfer);
    return (gssize)size;
}

static gssize give(guchar **buffer, PurpleXfer *xfer)
{
    Load *load = xfer->data;
    gsize size = MIN(PIECE, load->bytes->len - load->given);
    *buffer = g_memdup2(load->bytes->data + load->given, size);
    load->given += size;
    if (load->given >= load->bytes->len)
        purple_xfer_set_completed(xfer, TRUE);
    else
        ready_later(xfer);
    return (gssize)size;
}

static void load_free(PurpleXfer *xfer)
{
    Load *load = xfer->data;
    if (load == NULL)
        return;
    xfer->data = NULL;
    if (load->timer != 0)
        purple_timeout_remove(load->timer);
    g_byte_array_unref(load->bytes);
    g_free(load);
}

/* Everything was taken: the parrot offers it back. */
static void taken(PurpleXfer *xfer)
{
    Load *load = xfer->data;
    PurpleConnection *gc = purple_account_get_connection(purple_xfer_get_account(xfer));
    PurpleXfer *back = new_transfer(gc, PURPLE_XFER_RECEIVE, xfer->who, g_byte_array_ref(load->bytes));
    char *name = g_strdup_printf("parroted-%s", purple_xfer_get_filename(xfer));

    purple_xfer_set_filename(back, name);
    purple_xfer_set_size(back, load->bytes->len);
    g_free(name);
    load_free(xfer);
    purple_xfer_request(back);
}

static PurpleXfer *new_transfer(PurpleConnection *gc, PurpleXferType type, const char *who, GByteArray *bytes)
{
    PurpleXfer *xfer = purple_xfer_new(purple_connection_get_account(gc), type, who);
    Load *load = g_new0(Load, 1);

    load->bytes = bytes;
    xfer->data = load;
    purple_xfer_set_init_fnc(xfer, begin);
    purple_xfer_set_start_fnc(xfer, ready_later);
    if (type == PURPLE_XFER_SEND) {
        purple_xfer_set_write_fnc(xfer, take);
        purple_xfer_set_end_fnc(xfer, taken);
    } else {
        purple_xfer_set_read_fnc(xfer, give);
        purple_xfer_set_end_fnc(xfer, load_free);
    }
    /* Whichever way a transfer ends, its data goes. */
    purple_xfer_set_cancel_send_fnc(xfer, load_free);
    purple_xfer_set_cancel_recv_fnc(xfer, load_free);
    purple_xfer_set_request_denied_fnc(xfer, load_free);
    return xfer;
}

gboolean parrot_takes_files(PurpleConnection *gc, const char *who)
{
    (void)gc;
    (void)who;
    return TRUE;
}

PurpleXfer *parrot_new_file(PurpleConnection *gc, const char *who)
{
    return new_transfer(gc, PURPLE_XFER_SEND, who, g_byte_array_new());
}

/* With a path the file is chosen already; without one libpurple asks for it. */
void parrot_send_file(PurpleConnection *gc, const char *who, const char *path)
{
    PurpleXfer *xfer = parrot_new_file(gc, who);
    if (path != NULL)
        purple_xfer_request_accepted(xfer, path);
    else
        purple_xfer_request(xfer);
}
