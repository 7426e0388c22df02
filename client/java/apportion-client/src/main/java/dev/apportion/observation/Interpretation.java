package dev.apportion.observation;

import java.util.List;

/**
 * What a response says.
 *
 * @param observations what it says about limits, one observation each
 * @param isCounted whether the provider counted the request
 */
public record Interpretation(List<Observation> observations, boolean isCounted) {
    /** Copies the list. */
    public Interpretation {
        observations = List.copyOf(observations);
    }
}
