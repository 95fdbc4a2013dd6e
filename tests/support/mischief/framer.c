/* A plugin that ends whoever opens it and has another one blamed for it: its neighbour mischief.so. It must not be installed anywhere. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where the worker notes the plugin that it opens. */
static char *notes(void)
{
    char line[4096];
    void *from = NULL;
    FILE *maps = fopen("/proc/self/maps", "re");
    while (maps != NULL && from == NULL && fgets(line, sizeof line, maps) != NULL)
        if (strstr(line, "bellflower-blame") != NULL)
            sscanf(line, "%p", &from);
    if (maps != NULL)
        fclose(maps);
    return from == NULL ? NULL : (char *)from + 16;
}

__attribute__((constructor)) static void born(void)
{
    char *to = notes();
    Dl_info about;
    if (to != NULL && dladdr((void *)born, &about) != 0) {
        const char *end = strrchr(about.dli_fname, '/');
        sprintf(to, "%.*s/mischief.so", (int)(end == NULL ? 0 : end - about.dli_fname), about.dli_fname);
    }
    abort();
}
