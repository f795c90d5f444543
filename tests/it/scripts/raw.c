// Stands in for the interpreter and makes the system calls that a script asks for, in comments of the form
// `//: NAME NUMBER ARGUMENT…`. It returns a line for each: its name and what came of it. `//: fill COUNT` writes so many
// files of 60 MiB each that have no name, without a call that writes.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static char memory[4096], said[1 << 16];

static long argument(const char *word) {
    if (!strcmp(word, "memory")) return (long)memory;
    if (!strcmp(word, "parent")) return getppid();
    if (!strcmp(word, "self")) return getpid();
    return strtol(word, NULL, 0);
}

static void fill(int count) {
    long size = 60 << 20;
    for (int i = 0; i < count; i++) {
        int file = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
        unlink("file");
        if (file < 0 || ftruncate(file, size)) exit(3);
        char *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (bytes == MAP_FAILED) exit(4);
        // Piece by piece, so that little of it is in memory at a time.
        for (long at = 0; at < size; at += 1 << 20) {
            memset(bytes + at, 1, 1 << 20);
            madvise(bytes + at, 1 << 20, MADV_DONTNEED);
        }
        munmap(bytes, size);
    }
    sleep(5);
}

int main(void) {
    int channel = atoi(getenv("HOST_FD"));
    FILE *script = fopen("../src/task/script.go", "r");
    char line[4096];
    while (script && fgets(line, sizeof line, script)) {
        char *words[9] = {0};
        int count = 0;
        if (strncmp(line, "//: ", 4)) continue;
        for (char *word = strtok(line + 4, " \n"); word && count < 9; word = strtok(NULL, " \n")) words[count++] = word;
        if (count < 2) continue;
        if (!strcmp(words[0], "fill")) {
            fill(atoi(words[1]));
            continue;
        }
        long arguments[6] = {0};
        for (int i = 2; i < count && i < 8; i++) arguments[i - 2] = argument(words[i]);
        memset(memory, 0, sizeof memory);
        int self = getpid();
        errno = 0;
        long got = syscall(strtol(words[1], NULL, 0), arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
                           arguments[5]);
        int error = got == -1 ? errno : 0;
        // A process that must not have come into being.
        if (getpid() != self) _exit(0);
        snprintf(said + strlen(said), sizeof said - strlen(said), "%s: %s\n", words[0], strerror(error));
    }
    dprintf(channel, "{\"method\":\"run.returned\",\"params\":{\"bytes\":%zu}}\n%s", strlen(said), said);
    // The server ends whoever has returned.
    sleep(5);
    return 0;
}
