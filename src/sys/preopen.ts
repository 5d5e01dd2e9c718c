/**
 * @module
 * Imported for its effect, by tests that make real system calls: opens all of libc's symbols before the first test
 * starts, because Deno's leak check counts a library that is opened inside a test as leaked. It stays open for life.
 */
import { openAllSymbols } from "./libc.ts";

openAllSymbols();
