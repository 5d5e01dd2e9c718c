import { TsdError } from "../errors.ts";

/** An invalid command line. Its message is printed without the program's name and with a pointer to the help. */
export class UsageError extends TsdError {
  override readonly name = "UsageError";
  readonly exitCode: number;
  /** The probable correction, as it would be typed. */
  readonly didYouMean: string | undefined;

  constructor(message: string, options: { exitCode?: number; didYouMean?: string | undefined } = {}) {
    super("usage", message);
    this.exitCode = options.exitCode ?? 125;
    this.didYouMean = options.didYouMean;
  }
}
