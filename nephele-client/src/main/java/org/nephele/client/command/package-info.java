/**
 * One class a command: its arguments, the call that it makes, and what it prints of the answer. All
 * of them get a {@link org.nephele.client.Invocation}; none of them knows SSH or maps errors.
 */
package org.nephele.client.command;
