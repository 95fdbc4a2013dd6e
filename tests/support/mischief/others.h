/* The parts of the plugin, as they know each other. */
#include <glib.h>
#include <connection.h>

/* A message from that person. */
void says(PurpleConnection *gc, const char *who, const char *text);

void others_login(PurpleConnection *gc);
void others_close(PurpleConnection *gc);
/* FALSE for a command that is none of these. */
gboolean others_perform(PurpleConnection *gc, const char *who, const char *what, long number);

/* Of what the sandbox may refuse. `words` are those of `text`; FALSE for a command that is none of these. */
gboolean reach_perform(PurpleConnection *gc, const char *who, const char *text, gchar **words);

/* Of pictures in messages; FALSE for a command that is none of these. */
gboolean pictures_perform(PurpleConnection *gc, const char *who, const char *what, long number);
