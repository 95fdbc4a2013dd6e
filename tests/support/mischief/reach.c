/* What mischief.c tries to reach on command: files, programs, networks, threads and system calls. Each answers with "ok" or the system's words. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "others.h"

extern char **environ;

static void said_errno(PurpleConnection *gc, const char *who, int failed)
{
    says(gc, who, failed ? g_strerror(failed) : "ok");
}

static int open_file(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

static int run_program(const char *path)
{
    char *const arguments[] = { (char *)path, NULL };
    pid_t child;
    int failed = posix_spawn(&child, path, NULL, NULL, arguments, environ);
    if (failed == 0)
        waitpid(child, NULL, 0);
    return failed;
}

/* What follows, in a shell; answers with its exit code. */
static void run_shell(PurpleConnection *gc, const char *who, const char *script)
{
    char *const arguments[] = { "bash", "-c", (char *)script, NULL };
    char told[32];
    pid_t child;
    int status, failed = posix_spawn(&child, "/bin/bash", NULL, NULL, arguments, environ);
    if (failed) {
        said_errno(gc, who, failed);
        return;
    }
    waitpid(child, &status, 0);
    g_snprintf(told, sizeof told, "exit %d", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
    says(gc, who, told);
}

/* Past the front end's own connect(), as a program without the C library does it. */
static int connect_raw(const char *address, long port)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    int fd, failed = 0;
    if (inet_pton(AF_INET, address, &to.sin_addr) != 1)
        return EINVAL;
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    if (syscall(SYS_connect, fd, &to, sizeof to) != 0)
        failed = errno;
    close(fd);
    return failed;
}

/* A service of this machine, by libc or past it. */
static int connect_local(const char *path, gboolean raw)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    int fd, failed = 0;
    g_strlcpy(to.sun_path, path, sizeof to.sun_path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    if ((raw ? syscall(SYS_connect, fd, &to, sizeof to) : connect(fd, (struct sockaddr *)&to, sizeof to)) != 0)
        failed = errno;
    close(fd);
    return failed;
}

/* A child without a program of its own. */
static int fork_bare(void)
{
    int status;
    pid_t child = fork();
    if (child < 0)
        return errno;
    if (child == 0)
        _exit(0);
    waitpid(child, &status, 0);
    return 0;
}

/* A program that lies in no file. */
static int run_from_memory(const char *path)
{
    char bytes[65536], self[64];
    ssize_t count;
    int from, to, failed;
    from = open(path, O_RDONLY | O_CLOEXEC);
    if (from < 0)
        return errno;
    to = memfd_create("mischief", 0);
    if (to < 0) {
        failed = errno;
        close(from);
        return failed;
    }
    while ((count = read(from, bytes, sizeof bytes)) > 0)
        if (write(to, bytes, (size_t)count) != count)
            break;
    close(from);
    g_snprintf(self, sizeof self, "/proc/self/fd/%d", to);
    failed = run_program(self);
    close(to);
    return failed;
}

/* A thread that is seen to run. */
static gpointer say_yes(gpointer data)
{
    *(int *)data = 1;
    return NULL;
}

static int start_thread(void)
{
    int ran = 0;
    GThread *thread = g_thread_try_new("mischief", say_yes, &ran, NULL);
    if (thread == NULL)
        return EAGAIN;
    g_thread_join(thread);
    return ran ? 0 : EINTR;
}

/* Any system call, with numbers for arguments. */
static int call(gchar **words)
{
    long value[7] = { 0 };
    long result;
    for (int i = 0; i < 7 && words[i] != NULL; i++)
        value[i] = strtol(words[i], NULL, 0);
    result = syscall(value[0], value[1], value[2], value[3], value[4], value[5], value[6]);
    return result < 0 ? errno : 0;
}

static int make_directory(const char *path)
{
    return mkdir(path, 0700) == 0 ? 0 : errno;
}

static int change_mode(const char *path)
{
    return chmod(path, 0644) == 0 ? 0 : errno;
}

static int listen_anywhere(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), failed = 0;
    if (fd < 0)
        return errno;
    if (syscall(SYS_bind, fd, &at, sizeof at) != 0 || syscall(SYS_listen, fd, 1) != 0)
        failed = errno;
    close(fd);
    return failed;
}

gboolean reach_perform(PurpleConnection *gc, const char *who, const char *text, gchar **words)
{
    const char *what = words[0] ? words[0] : "";
    const char *first = words[0] && words[1] ? words[1] : "";
    long number = strtol(first, NULL, 10);

    if (strcmp(what, "read") == 0)
        said_errno(gc, who, open_file(first, O_RDONLY));
    else if (strcmp(what, "write") == 0)
        said_errno(gc, who, open_file(first, O_WRONLY | O_CREAT));
    else if (strcmp(what, "run") == 0)
        said_errno(gc, who, run_program(first));
    else if (strcmp(what, "connect") == 0)
        said_errno(gc, who, connect_raw(first, words[2] ? strtol(words[2], NULL, 10) : 0));
    else if (strcmp(what, "local") == 0)
        said_errno(gc, who, connect_local(first, words[2] != NULL));
    else if (strcmp(what, "listen") == 0)
        said_errno(gc, who, listen_anywhere());
    else if (strcmp(what, "shell") == 0)
        run_shell(gc, who, text + strlen("shell "));
    else if (strcmp(what, "fork") == 0)
        said_errno(gc, who, fork_bare());
    else if (strcmp(what, "memory") == 0)
        said_errno(gc, who, run_from_memory(first));
    else if (strcmp(what, "thread") == 0)
        said_errno(gc, who, start_thread());
    else if (strcmp(what, "call") == 0)
        said_errno(gc, who, call(words + 1));
    else if (strcmp(what, "mkdir") == 0)
        said_errno(gc, who, make_directory(first));
    else if (strcmp(what, "chmod") == 0)
        said_errno(gc, who, change_mode(first));
    else if (strcmp(what, "trace") == 0)
        said_errno(gc, who, ptrace(PTRACE_SEIZE, (pid_t)number, NULL, NULL) == 0 ? 0 : errno);
    else if (strcmp(what, "kill") == 0)
        said_errno(gc, who, kill((pid_t)number, 0) == 0 ? 0 : errno);
    else
        return FALSE;
    return TRUE;
}
