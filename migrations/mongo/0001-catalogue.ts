import type { Db } from 'mongodb';

/** A removed document stays for a day as a stub without a name; stubs must not collide with each other. */
export async function up(documents: Db) {
  await documents
    .collection('form')
    .createIndex(
      { name: 1 },
      { unique: true, partialFilterExpression: { name: { $exists: true } }, name: 'form_name' },
    );
  await documents.collection('form').createIndex({ modified_at: 1, _id: 1 });
  await documents.collection('form_field').createIndex({ form: 1 });
  await documents.collection('form_field').createIndex({ modified_at: 1, _id: 1 });
}
