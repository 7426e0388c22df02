package dev.apportion;

/** A field of a configuration cannot be used. */
public final class ConfigException extends ApportionException {
    private static final long serialVersionUID = 1L;

    private final String field;
    private final String problem;

    ConfigException(String field, String problem) {
        super("config: " + field + ": " + problem);
        this.field = field;
        this.problem = problem;
    }

    /**
     * Returns the name of the field.
     *
     * @return a name such as {@code addresses[1]}
     */
    public String field() {
        return field;
    }

    @Override
    ConfigException copy() {
        return new ConfigException(field, problem);
    }
}
