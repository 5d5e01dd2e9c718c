/** `--log-opt tag=…`: the fields of a container in a log's tag (docs.docker.com, "Customize log driver output"). */
import { TsdError } from "../../errors.ts";
import type { LoggedContainer } from "./log_options.ts";

const SHORT_ID = 12;

/** The value of each `{{.Field}}`. */
const FIELDS: Readonly<Record<string, (container: LoggedContainer) => string>> = {
  ID: ({ id }) => id.slice(0, SHORT_ID),
  FullID: ({ id }) => id,
  Name: ({ name }) => name,
  ImageID: ({ imageId }) => withoutAlgorithm(imageId).slice(0, SHORT_ID),
  ImageFullID: ({ imageId }) => imageId,
  ImageName: ({ imageName }) => imageName,
  DaemonName: () => "tsd",
  Command: ({ command }) => command.join(" "),
};

/** Expands a tag's template. @throws {TsdError} invalid_argument if the template contains anything other than fields */
export function expandLogTag(template: string, container: LoggedContainer): string {
  const text = template.replace(/\{\{\s*\.(\w+)\s*\}\}/g, (whole, name) => FIELDS[name]?.(container) ?? whole);
  const left = /\{\{.*?(?:\}\}|$)/s.exec(template.replace(/\{\{\s*\.(\w+)\s*\}\}/g, (whole, name) => {
    return Object.hasOwn(FIELDS, name) ? "" : whole;
  }));
  if (left === null) return text;
  const known = Object.keys(FIELDS).map((name) => `{{.${name}}}`).join(" ");
  throw new TsdError(
    "invalid_argument",
    `failed to initialize logging driver: invalid tag: ${left[0]} is none of ${known}`,
  );
}

const withoutAlgorithm = (digest: string) => digest.slice(digest.indexOf(":") + 1);
