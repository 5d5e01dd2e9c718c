/**
 * Renders responses of the engine with a Go template. Loaded only for a `--format` that needs it.
 */
import { StatusError } from "../../cli/mod.ts";
import { Struct, Template, TemplateError, type Value } from "../../cli/template/mod.ts";
import { shaped, type ShapeName } from "./go_types.ts";
import { templateFailure } from "./list_format.ts";

/** Docker's exit code for a template that can't be parsed. */
const PARSE_ERROR_EXIT = 64;

/** A command's error messages for templates: the prefixes, and the exit code. */
export interface TemplateWording {
  /** The template's name in error messages. */
  readonly name?: string;
  readonly parse: string;
  readonly execute: string;
  readonly executeExit?: number;
}

/** The output for a value, and the failure, if there was one. */
export interface Rendered {
  readonly text: string;
  readonly failure?: Error;
}

/** As {@link objectTemplate}, for commands that end their output with a line feed even after a failure. */
export function endedTemplate(text: string, wording: TemplateWording): (value: Value) => Rendered {
  const render = objectTemplate(text, wording);
  return (value) => {
    try {
      return { text: `${render(value)}\n` };
    } catch (thrown) {
      if (!(thrown instanceof StatusError)) throw thrown;
      return { text: "\n", failure: thrown };
    }
  };
}

/** Parses a template and returns a function that renders a value, without a final line feed. @throws {StatusError} */
export function objectTemplate(text: string, wording: TemplateWording): (value: Value) => string {
  const template = readTemplate(text, wording);
  return (value) => {
    try {
      return template.execute(value);
    } catch (thrown) {
      if (!(thrown instanceof TemplateError)) throw thrown;
      throw templateFailure(wording.execute + thrown.message, wording.executeExit);
    }
  };
}

function readTemplate(text: string, { name = "", parse }: TemplateWording): Template {
  try {
    return new Template(text, name);
  } catch (thrown) {
    if (!(thrown instanceof TemplateError)) throw thrown;
    throw templateFailure(parse + thrown.message, PARSE_ERROR_EXIT);
  }
}

/** Converts a response whose Go type is known. */
export { shaped };

/** Converts a response whose Go type is unknown: its fields keep their names. */
export const openStruct = (typeName: string, answer: object): Struct =>
  new Struct(typeName, { ...answer } as Record<string, Value>, { json: answer });

const INSPECT: TemplateWording = { parse: "template parsing error: ", execute: "template parsing error: " };

/** The output of `inspect` for a response, or an error message. */
export type Inspected = { readonly text: string } | { readonly error: string };

/**
 * Parses a template of `inspect`. As in the docker CLI, it is executed on the response's Go type and, if that fails, on its
 * plain JSON. So `.ID` works as well as `.Id`, and only a field that is in neither is an error.
 * @throws {StatusError} if the template can't be parsed
 */
export function inspectTemplate(text: string): (shape: ShapeName, answer: unknown) => Inspected {
  const template = readTemplate(text, INSPECT);
  const attempt = (value: Value, strict: boolean): Inspected => {
    try {
      return { text: template.execute(value, { strict }) };
    } catch (thrown) {
      if (!(thrown instanceof TemplateError)) throw thrown;
      return { error: INSPECT.execute + thrown.message };
    }
  };
  return (shape, answer) => {
    const typed = attempt(shaped(shape, answer), false);
    return "text" in typed ? typed : attempt(answer as Value, true);
  };
}
