import { UsageError } from "../../cli/mod.ts";

/** `-e NAME=value`; `-e NAME` takes the caller's value, or (sent bare) removes the image's. @throws {UsageError} */
export function environmentStrings(words: readonly string[], env: (name: string) => string | undefined): string[] {
  return words.map((word) => {
    if (word === "" || word.startsWith("=")) {
      throw new UsageError(`invalid argument "${word}" for "-e, --env" flag: invalid environment variable: ${word}`);
    }
    const value = word.includes("=") ? undefined : env(word);
    return value === undefined ? word : `${word}=${value}`;
  });
}
