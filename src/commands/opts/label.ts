import { UsageError } from "../../cli/mod.ts";
import { splitPair } from "./flag_values.ts";
import { readLabelFile } from "./env_file.ts";

/** Validates a label, `name` or `name=value`. @throws {UsageError} with Docker's messages */
export function checkLabel(text: string): string {
  const name = splitPair(text)[0].replace(/^[ \t]+/, "");
  if (name === "") throw new UsageError(`invalid label '${text}': empty name`);
  if (/[ \t]/.test(name)) throw new UsageError(`label '${name}' contains whitespaces`);
  return text;
}

/** Returns the labels of the files and those given by themselves, which take precedence. @throws {UsageError} */
export async function labels(files: readonly string[], given: readonly string[]): Promise<Record<string, string>> {
  const fromFiles = await Promise.all(files.map(readLabelFile));
  return Object.fromEntries([...fromFiles.flat(), ...given].map(splitPair));
}
