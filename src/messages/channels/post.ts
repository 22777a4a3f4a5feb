import { timeouts, type Reply } from './channel.ts';

/** Posts JSON to a URL. Any 2xx status counts as an acknowledgement; anything else is retried. */
export async function post(
  url: string,
  body: string,
  headers: Record<string, string> = {},
): Promise<Reply> {
  const signal = AbortSignal.timeout(timeouts.attempt);
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body,
      redirect: 'error',
      signal,
    });
    const text = (await response.text()).slice(0, 300);
    return {
      outcome: response.ok ? 'acknowledged' : 'retry',
      answer: `HTTP ${response.status} ${text}`.trim(),
    };
  } catch (error) {
    const { message, cause } = error as Error & { cause?: Error };
    return { outcome: 'retry', answer: cause?.message ?? message };
  }
}
