/** Determines the part of the project that a file belongs to, for rules that apply to some parts only. */
import { fileURLToPath } from "node:url";

const PROJECT_DIR = fileURLToPath(new URL("../..", import.meta.url));

/** Returns a file's path relative to the project's root, with forward slashes. */
export function projectPath(filename: string): string {
  const path = filename.startsWith("file:") ? fileURLToPath(filename) : filename;
  return path.startsWith(PROJECT_DIR) ? path.slice(PROJECT_DIR.length) : path.replace(/^\.?\//, "");
}

/** Reports whether a file is a test, or code that only tests use. */
export function isTest(path: string): boolean {
  return path.endsWith("_test.ts") || path.startsWith("tests/");
}

/** Reports whether a file is development code: tests, scripts and benchmarks. */
export function isDevelopment(path: string): boolean {
  return isTest(path) || path.startsWith("scripts/") || path.startsWith("bench/");
}

/** Reports whether `path` is one of `homes`, or below one that ends with a slash. */
export function isAtHome(path: string, homes: readonly string[]): boolean {
  return homes.some((home) => home.endsWith("/") ? path.startsWith(home) : path === home);
}
