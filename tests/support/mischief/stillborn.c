/* A plugin that ends whoever opens it, before it can be asked what it is. It must not be installed anywhere. */
#include <stdlib.h>

__attribute__((constructor)) static void born(void)
{
    abort();
}
