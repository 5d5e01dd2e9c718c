/** A template that can't be read, or that doesn't fit its data; the message is Go's. */
export class TemplateError extends Error {
  override readonly name = "TemplateError";
}
