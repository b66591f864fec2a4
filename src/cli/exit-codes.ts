/** Exit codes of the command, as the README lists them. */
export const EXIT_OK = 0;
/** Something failed at run time: the socket can't be made, an internal error. */
export const EXIT_FAILURE = 1;
/** The command line is wrong. */
export const EXIT_USAGE = 2;
/** A feature was asked for that this build or machine does not have (`--virgl`, `--render-node`). */
export const EXIT_UNAVAILABLE = 3;
/** What was waited for did not happen (`ctl`). */
export const EXIT_IN_VAIN = 4;
