// Runs the server of the invented publisher of data files. The environment variable PORT is its port.
import { startPublisher } from './server.ts';

await startPublisher({ port: Number(process.env['PORT']) });
