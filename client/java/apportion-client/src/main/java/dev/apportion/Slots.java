package dev.apportion;

import java.util.ArrayDeque;
import java.util.EnumMap;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.Executor;

/**
 * Keeps waiting requests from using up the streams of a connection: proxies often allow 100. Each priority has slots of its
 * own, so that an urgent request never waits for one that is not. Used by the engine's thread alone.
 */
final class Slots {
    /** How many requests of one priority may wait at the server at once. */
    static final int PER_PRIORITY = 24;

    private final Map<Priority, Lane> lanes = new EnumMap<>(Priority.class);
    /** That of requests which leave the priority to the team. */
    private final Lane ofTeam;

    Slots(Executor engine) {
        ofTeam = new Lane(engine);
        for (Priority priority : Priority.values()) {
            lanes.put(priority, new Lane(engine));
        }
    }

    /** Returns the slots of a priority; null for the priority of the team. */
    Lane of(Priority priority) {
        return priority == null ? ofTeam : lanes.get(priority);
    }

    /** The slots of one priority, first come, first served. */
    static final class Lane {
        private final Executor engine;
        private final Queue<Runnable> waiting = new ArrayDeque<>();
        private int taken;

        private Lane(Executor engine) {
            this.engine = engine;
        }

        /** Runs what waits for a slot as soon as there is one. */
        void enter(Runnable entered) {
            if (taken < PER_PRIORITY) {
                taken++;
                entered.run();
            } else {
                waiting.add(entered);
            }
        }

        /** Forgets what waits for a slot. False if it does not wait any more: it is about to run. */
        boolean cancel(Runnable entered) {
            return waiting.remove(entered);
        }

        /** Frees a slot for the next. */
        void leave() {
            Runnable next = waiting.poll();
            if (next == null) {
                taken--;
            } else {
                engine.execute(next);
            }
        }
    }
}
