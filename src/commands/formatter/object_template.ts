/**
 * Answers of the engine by Go template. Loaded for a `--format` that needs it.
 */
import { StatusError } from "../../cli/mod.ts";
import { Struct, Template, TemplateError, type Value } from "../../cli/template/mod.ts";
import { shaped, type ShapeName } from "./go_types.ts";
import { templateFailure } from "./list_format.ts";

/** docker's exit code for a template that can't be read. */
const UNREADABLE_EXIT = 64;

/** How a command words failures: what comes before the complaint, and the exit codes. */
export interface TemplateWording {
  /** The template's name in messages. */
  readonly name?: string;
  readonly parse: string;
  readonly execute: string;
  readonly executeExit?: number;
}

/** What was made of a value, or nothing and why. */
export interface Rendered {
  readonly text: string;
  readonly failure?: Error;
}

/** As {@link objectTemplate}, for commands that end their output with a line feed whatever happens. */
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

/** Reads a template; what comes back makes a text of a value, without a line feed behind it. @throws {StatusError} */
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
    throw templateFailure(parse + thrown.message, UNREADABLE_EXIT);
  }
}

/** An answer whose Go type is known. */
export { shaped };

/** An answer of which only the names of its own fields are known. */
export const openStruct = (typeName: string, answer: object): Struct =>
  new Struct(typeName, { ...answer } as Record<string, Value>, { json: answer });

const INSPECT: TemplateWording = { parse: "template parsing error: ", execute: "template parsing error: " };

/** What `inspect` makes of an answer: a text, or why there is none. */
export type Inspected = { readonly text: string } | { readonly error: string };

/**
 * A template of `inspect`: first tried on the answer's Go type, then on its bare JSON, as the docker CLI does; so `.ID` works
 * as well as `.Id`, and only what is in neither is an error. @throws {StatusError} when the template can't be read
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
