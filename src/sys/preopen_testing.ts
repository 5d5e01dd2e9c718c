/**
 * @module
 * Opens all symbols of libc as a side effect of the import. For tests that make real system calls: Deno's leak check
 * reports a library that is opened inside a test. The symbols stay open for the life of the process.
 */
import { openAllSymbols } from "./libc.ts";

openAllSymbols();
