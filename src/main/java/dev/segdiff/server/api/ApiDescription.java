package dev.segdiff.server.api;

import jakarta.ws.rs.core.Application;
import org.eclipse.microprofile.openapi.annotations.OpenAPIDefinition;
import org.eclipse.microprofile.openapi.annotations.enums.SecuritySchemeType;
import org.eclipse.microprofile.openapi.annotations.info.Info;
import org.eclipse.microprofile.openapi.annotations.security.SecurityScheme;

/** The title and description of the OpenAPI document at /q/openapi. */
@OpenAPIDefinition(
        info =
                @Info(
                        title = "segdiff",
                        version = "1",
                        description = "Runs the chores of a large PostgreSQL now, and tells how they stand."))
@SecurityScheme(
        securitySchemeName = "token",
        type = SecuritySchemeType.HTTP,
        scheme = "bearer",
        description = "segdiff.api.token, or one of segdiff.api.tokens-file")
public class ApiDescription extends Application {}
