// Jest runs tests in a realm of their own, where an error of Node's own is no `instanceof Error`; the AWS SDK asks for
// that, and would neither repeat a request that was cut nor keep the error's code.
import { isNativeError } from 'node:util/types';

const isInstance = (type: unknown, value: unknown) =>
  Function.prototype[Symbol.hasInstance].call(type as () => void, value);

Object.defineProperty(Error, Symbol.hasInstance, {
  value(this: unknown, value: unknown) {
    return isInstance(this, value) || (this === Error && isNativeError(value));
  },
});
