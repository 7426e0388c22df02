package dev.apportion;

/** Says when a request is served. The server lowers it to the highest priority of the team. */
public enum Priority {
    /** Served first; a part of each window is held back for it. */
    CRITICAL(dev.apportion.v1.Priority.PRIORITY_CRITICAL),
    /** The usual one. */
    DEFAULT(dev.apportion.v1.Priority.PRIORITY_DEFAULT),
    /** Served last, and refused first. */
    SHEDDABLE(dev.apportion.v1.Priority.PRIORITY_SHEDDABLE);

    private final dev.apportion.v1.Priority message;

    Priority(dev.apportion.v1.Priority message) {
        this.message = message;
    }

    dev.apportion.v1.Priority message() {
        return message;
    }

    /** Returns the priority of a message; the usual one if it is newer than this client. */
    static Priority of(dev.apportion.v1.Priority message) {
        for (Priority priority : values()) {
            if (priority.message == message) {
                return priority;
            }
        }
        return DEFAULT;
    }
}
