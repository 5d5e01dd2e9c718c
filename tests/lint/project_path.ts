/** Which part of the project a file belongs to, for rules that apply to some places only. */
import { fileURLToPath } from "node:url";

const PROJECT_DIR = fileURLToPath(new URL("../..", import.meta.url));

/** A file's path relative to the project's top folder, with forward slashes. */
export function projectPath(filename: string): string {
  const path = filename.startsWith("file:") ? fileURLToPath(filename) : filename;
  return path.startsWith(PROJECT_DIR) ? path.slice(PROJECT_DIR.length) : path.replace(/^\.?\//, "");
}

/** Tests, and code that only tests use. */
export function isTest(path: string): boolean {
  return path.endsWith("_test.ts") || path.startsWith("tests/");
}

/** Development code: tests, scripts and benchmarks. */
export function isDevelopment(path: string): boolean {
  return isTest(path) || path.startsWith("scripts/") || path.startsWith("bench/");
}

/** Whether `path` is one of `homes`, or lies below one that ends with a slash. */
export function isAtHome(path: string, homes: readonly string[]): boolean {
  return homes.some((home) => home.endsWith("/") ? path.startsWith(home) : path === home);
}
