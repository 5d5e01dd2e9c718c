import { UsageError } from "../../cli/mod.ts";

/**
 * Resolves the values of `-e`: `NAME=value`, or `NAME` with the caller's value. If the caller has none, the bare name is sent
 * and removes the image's variable. @throws {UsageError}
 */
export function environmentStrings(words: readonly string[], env: (name: string) => string | undefined): string[] {
  return words.map((word) => {
    if (word === "" || word.startsWith("=")) {
      throw new UsageError(`invalid argument "${word}" for "-e, --env" flag: invalid environment variable: ${word}`);
    }
    const value = word.includes("=") ? undefined : env(word);
    return value === undefined ? word : `${word}=${value}`;
  });
}
