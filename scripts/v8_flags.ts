/**
 * @module
 * What V8 is told, by role. A client compiles all it loads at once: only so does Deno's cache keep it, and no later start
 * compiles a function at its first call. The engine, which runs long, compiles what it uses, and collects garbage when it
 * comes to rest. New objects get 4 MiB (three times): with the 16 that V8 takes by itself a busy engine needs 40 MB more,
 * and is no faster.
 */
export const CLIENT_V8_FLAGS: readonly string[] = ["--no-lazy"];
export const ENGINE_V8_FLAGS: readonly string[] = ["--expose-gc", "--max-semi-space-size=4"];
