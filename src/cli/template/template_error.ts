/** A template that can't be parsed or can't be executed on its data. The message is Go's. */
export class TemplateError extends Error {
  override readonly name = "TemplateError";
}
