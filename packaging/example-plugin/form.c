/* Parrot's form: "Teach a Phrase" in the account's menu. Asks with purple_request_fields; Bellflower shows the fields in the page. */
#include "parrot.h"

#include <string.h>

/* Answered, or closed by libpurple when the connection ends: then neither callback is called. */
static void taught(gpointer data, PurpleRequestFields *fields)
{
    PurpleConnection *gc = data;
    const char *heard = purple_request_fields_get_string(fields, "heard");
    const char *said = purple_request_fields_get_string(fields, "said");
    ParrotPhrase *phrase;

    if (heard == NULL || said == NULL)
        return;
    phrase = g_new0(ParrotPhrase, 1);
    phrase->said = purple_request_fields_get_choice(fields, "voice") == 1 ? g_utf8_strup(said, -1) : g_strdup(said);
    phrase->in_rooms = purple_request_fields_get_bool(fields, "rooms");
    g_hash_table_replace(parrot_of(gc)->phrases, g_strdup(heard), phrase);
}

static PurpleRequestField *required(PurpleRequestField *field)
{
    purple_request_field_set_required(field, TRUE);
    return field;
}

static void teach(PurplePluginAction *action)
{
    PurpleConnection *gc = action->context;
    PurpleRequestFields *fields = purple_request_fields_new();
    PurpleRequestFieldGroup *group = purple_request_field_group_new(NULL);
    PurpleRequestField *voice = purple_request_field_choice_new("voice", "Voice", 0);

    purple_request_field_choice_add(voice, "As it is");
    purple_request_field_choice_add(voice, "Loud");
    purple_request_field_group_add_field(group, required(purple_request_field_string_new("heard", "Heard", NULL, FALSE)));
    purple_request_field_group_add_field(group, required(purple_request_field_string_new("said", "Said", NULL, FALSE)));
    purple_request_field_group_add_field(group, voice);
    purple_request_field_group_add_field(group, purple_request_field_bool_new("rooms", "In rooms, too", TRUE));
    purple_request_fields_add_group(fields, group);

    /* The first argument is the handle: libpurple closes the form by itself when this connection ends. */
    purple_request_fields(gc, "Teach a Phrase", "What shall the parrot answer?", NULL, fields, "Teach", G_CALLBACK(taught), "Cancel", NULL,
                          purple_connection_get_account(gc), NULL, NULL, gc);
}

GList *parrot_actions(PurplePlugin *plugin, gpointer gc)
{
    (void)plugin;
    (void)gc;
    return g_list_append(NULL, purple_plugin_action_new("Teach a Phrase...", teach));
}
