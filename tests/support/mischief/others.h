/* What mischief.c and others.c know of each other. */
#include <glib.h>
#include <connection.h>

/* A message from that person. */
void says(PurpleConnection *gc, const char *who, const char *text);

void others_login(PurpleConnection *gc);
void others_close(PurpleConnection *gc);
/* FALSE for a command that is none of these. */
gboolean others_perform(PurpleConnection *gc, const char *who, const char *what, long number);

/* Of pictures in messages; FALSE for a command that is none of these. */
gboolean pictures_perform(PurpleConnection *gc, const char *who, const char *what, long number);
