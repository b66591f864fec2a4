/** Waits for what nobody tells of. */

const POLL_MS = 50;
const TIMEOUT_MS = 60_000;

/** Asks again and again until the answer is right; rejects with the last one when that takes too long. */
export async function until<T>(
  what: string,
  ask: () => Promise<T>,
  right: (answer: T) => boolean,
): Promise<T> {
  const deadline = Date.now() + TIMEOUT_MS;
  for (;;) {
    const answer = await ask();
    if (right(answer)) return answer;
    if (Date.now() > deadline) throw new Error(`${what}: ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
