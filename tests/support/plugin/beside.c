/* A plugin that is no protocol and does nothing, for tests of what is loaded beside protocols. Not to be installed anywhere. */
#define PURPLE_PLUGINS
#include <plugin.h>
#include <version.h>

static PurplePluginInfo info = {
    .magic = PURPLE_PLUGIN_MAGIC,
    .major_version = PURPLE_MAJOR_VERSION,
    .minor_version = PURPLE_MINOR_VERSION,
    .type = PURPLE_PLUGIN_STANDARD,
    .priority = PURPLE_PRIORITY_DEFAULT,
    .id = BESIDE_ID,
    .name = "Beside",
    .version = "1",
    .summary = "Does nothing",
    .description = "Does nothing",
    .author = "Bellflower",
    .homepage = "",
};

static void init_plugin(PurplePlugin *plugin)
{
    (void)plugin;
}

PURPLE_INIT_PLUGIN(beside, init_plugin, info)
